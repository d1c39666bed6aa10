"""Writes: booking."""
