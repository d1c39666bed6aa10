"""Tests: passkeys over the API, by a software authenticator that can lie."""
