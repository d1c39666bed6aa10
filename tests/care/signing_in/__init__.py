"""Whom the product signs people in by, from outside: an authenticator, and a provider."""
