"""Tables: booking."""
