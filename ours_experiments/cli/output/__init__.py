"""How results are written: records, tables, charts, progress."""
