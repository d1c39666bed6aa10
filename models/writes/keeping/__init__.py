"""Writes: keeping."""
