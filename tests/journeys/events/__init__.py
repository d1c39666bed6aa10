"""Stories of what programs are told."""
