"""What can be asked of a journey, by subject."""
