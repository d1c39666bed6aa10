"""Routes: accounts."""
