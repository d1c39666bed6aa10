"""Matching a client with a therapist, and joining two records of one person."""
