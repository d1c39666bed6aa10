"""Views: events."""
