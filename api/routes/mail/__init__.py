"""Routes: mail."""
