"""Tables: care."""
