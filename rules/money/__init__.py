"""What is due, how it is paid, and how the ledger is held against Stripe."""
