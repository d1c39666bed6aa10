"""Reads: keeping."""
