"""Records, formats, tables, charts and progress."""
