"""Routes: forms."""
