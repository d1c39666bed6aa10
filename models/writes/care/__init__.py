"""Writes: care."""
