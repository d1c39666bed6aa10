"""What ledger and Stripe differ in: found, and written down. Above it stands who acts on it (``reconcile``)."""
