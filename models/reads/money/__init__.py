"""Reads: money."""
