"""Stories: accounts."""
