"""A program that is told of events: the booking site's part, played here."""
