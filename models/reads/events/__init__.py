"""Reads: events."""
