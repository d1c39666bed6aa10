"""The HTTP API: requests become updates and signals of journeys, and reads come from the database."""
