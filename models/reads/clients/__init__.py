"""Reads: clients."""
