"""Routes: money."""
