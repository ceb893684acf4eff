"""Experiments as code."""
