"""Tables: archive."""
