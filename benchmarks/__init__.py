"""Benchmarks: `python -m benchmarks.NAME`, each with its own reading."""
