"""Accounts, the same on both sides: signing in and out, mailed links, the own account."""
