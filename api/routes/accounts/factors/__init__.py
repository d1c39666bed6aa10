"""Second factors of whoever has signed in."""
