"""What is mailed to whom, and what becomes of it."""
