"""Routes: care."""
