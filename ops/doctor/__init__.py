"""Looks at every setting and connection of a deployment, and says what to do (health checks, read-only)."""
