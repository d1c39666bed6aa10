"""For how long a request may wait, and how much of it may be in memory."""
