"""Writes that survive a lost reply."""
