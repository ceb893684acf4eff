"""A page for each group of commands."""
