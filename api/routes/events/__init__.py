"""Routes: events."""
