"""Tests of writes that survive a lost reply."""
