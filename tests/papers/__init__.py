"""Papers: what they say, as a reader of PDF files reads it."""
