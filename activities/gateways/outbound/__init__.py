"""The one door for whatever is called, or fetched from, at an address that somebody gave."""
