"""Tables: money."""
