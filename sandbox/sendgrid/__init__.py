"""SendGrid, as far as the product uses it."""
