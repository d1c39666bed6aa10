"""Events out: what changed, told to programs."""
