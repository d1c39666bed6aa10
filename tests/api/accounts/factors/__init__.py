"""Tests: second factors over the API."""
