"""The alert rules and the dashboard of ops/watch."""
