"""How long links and devices of accounts are good (lifetimes), and over which time their budgets are counted."""

from datetime import timedelta

RESET_LINK_TTL = timedelta(hours=1)
RESETS_WITHIN = timedelta(hours=1)
