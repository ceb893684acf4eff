"""Tests that a newcomer writes, for synchronous applications."""
