"""Tables: keeping."""
