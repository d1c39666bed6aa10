"""Reads: forms."""
