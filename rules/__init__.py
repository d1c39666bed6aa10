"""The practice's rules as pure functions: standard library only, no clock, no I/O, keyword arguments."""
