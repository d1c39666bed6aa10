"""Routes: archive."""
