"""Taking messages in: binding what was sent to a handler, refusing it in words, and whom it is by."""
