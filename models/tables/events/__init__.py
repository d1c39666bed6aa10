"""Tables: events."""
