"""Calendars that therapists keep elsewhere."""
