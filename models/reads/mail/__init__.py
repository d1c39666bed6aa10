"""Reads: mail."""
