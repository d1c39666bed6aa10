"""When something can be booked, by whom, and who is next in line."""
