"""The card, and what was paid with it."""
