"""Booking, what was booked, and waiting for a time."""
