"""Tables: accounts."""
