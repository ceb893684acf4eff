"""Tests of bulk calls."""
