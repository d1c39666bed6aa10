"""Reads: care."""
