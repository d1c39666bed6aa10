"""Reads: accounts."""
