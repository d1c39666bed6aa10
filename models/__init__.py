"""What is stored: the tables, the queries over them, and what writes to them besides the journeys' steps."""
