"""Routes: clients."""
