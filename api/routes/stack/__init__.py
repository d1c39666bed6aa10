"""Health, numbers, and the movable clock."""
