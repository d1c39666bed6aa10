"""Today, the week, one appointment, hours and leave."""
