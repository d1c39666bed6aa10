"""Copies of the database: made, described and checked; see also `ops.restore`."""
