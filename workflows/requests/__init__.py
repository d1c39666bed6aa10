"""What can be asked of a client's journey, by subject."""
