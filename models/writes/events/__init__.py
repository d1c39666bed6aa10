"""Writes: events."""
