"""Second factors: what is typed beside a password, looked at and counted."""
