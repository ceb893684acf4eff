"""Hostile input for every parser: only the documented errors may come out."""
