"""Decisions on results: reference figures, scenarios and properties."""
