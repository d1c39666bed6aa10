"""Tables: forms."""
