"""Routes: keeping."""
