"""Writes: archive."""
