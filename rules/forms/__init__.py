"""Which forms there are, and what an answer must be."""
