"""Open slots, as they are answered to everybody who looks for a time."""
