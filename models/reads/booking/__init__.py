"""Reads: booking."""
