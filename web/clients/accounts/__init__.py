"""Accounts: mailed links, signing in, the profile, second factors."""
