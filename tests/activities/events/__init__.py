"""Telling programs of events."""
