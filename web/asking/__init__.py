"""Speaking to the API: whom for, what it refused, and when it cannot be reached."""
