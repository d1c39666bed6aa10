"""What is done at Stripe with a card: it is saved there, and tried."""
