"""Which build of the workers gets work, where workers are versioned."""
