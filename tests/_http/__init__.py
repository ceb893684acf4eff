"""Tests of one call on the wire."""
