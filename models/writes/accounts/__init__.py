"""Writes: accounts."""
