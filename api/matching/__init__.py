"""The words of the matching form: where they come from, and what is not among them."""
