"""Putting a copy of the database back; see also `ops.backup`."""
