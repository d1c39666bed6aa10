"""Reads: archive."""
