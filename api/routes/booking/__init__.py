"""Routes: booking."""
