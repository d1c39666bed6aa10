"""Signing in: passwords, mailed links, and what a sign-in gives."""
