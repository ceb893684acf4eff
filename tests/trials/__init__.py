"""Thousands of seeded mishaps, and the tests that run a slice of them."""
