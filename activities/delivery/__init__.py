"""What leaves the house: the outbox, by one bounded step that ends well."""
