"""Events: their order."""
