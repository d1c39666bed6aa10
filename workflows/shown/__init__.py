"""What a support person reads in the Temporal UI: where things stand, what is awaited, and what to send now."""
