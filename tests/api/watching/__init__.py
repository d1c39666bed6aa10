"""Numbers for whoever watches the programs."""
