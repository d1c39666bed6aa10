"""How long links and devices of accounts are good (lifetimes), and over which time their budgets are counted."""

from datetime import timedelta

RESET_LINK_TTL = timedelta(hours=1)
EMAIL_LINK_TTL = timedelta(days=1)
RESETS_WITHIN = timedelta(hours=1)
JOURNEYS_WITHIN = timedelta(hours=1)
MAILS_WITHIN = timedelta(days=1)
SIGN_INS_WITHIN = timedelta(minutes=15)
LONGEST_WAIT = timedelta(minutes=15)  # of somebody unknown, while others fail with the same address
KEY_OVERLAP = timedelta(hours=24)  # for which a key is good that was replaced
NOTE_KEY_USE_EVERY = timedelta(minutes=5)
OIDC_SIGN_IN_TTL = timedelta(minutes=10)  # of the world's time, for which a sign-in may be under way at the provider
PASS_IDLE = timedelta(minutes=30)  # from its last use
PASS_ASKED_AGAIN = timedelta(minutes=1)  # for which a renewed pass is told once more what it was renewed to
DEVICE_TTL = timedelta(days=90)
ENDED_TOKENS_KEPT = timedelta(days=30)
SIGN_INS_OF_ADDRESS = 10  # by whoever is unknown
SIGN_INS_OF_DEVICE = 10
RESETS_OF_VISITOR = 20  # within RESETS_WITHIN, for whatever addresses
OIDC_SIGN_INS_OF_VISITOR = 20  # begun at the provider within SIGN_INS_WITHIN
PASSWORDS_OF_ACCOUNT = 10  # typed by whoever has signed in already
