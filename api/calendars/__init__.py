"""Connecting a calendar at Google or Microsoft: a consent is begun here, given there, and comes back as a code."""
