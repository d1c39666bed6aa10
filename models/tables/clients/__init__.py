"""Tables: clients."""
