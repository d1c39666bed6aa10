"""Writes: clients."""
