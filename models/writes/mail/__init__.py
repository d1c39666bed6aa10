"""Writes: mail."""
