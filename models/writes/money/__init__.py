"""What is written about money beside the journeys' steps."""
