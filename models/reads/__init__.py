"""Every SELECT, by subject; who may see a row is part of the query."""
