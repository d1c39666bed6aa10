"""Writes: forms."""
