"""Pages that Stripe itself would serve: a card on Checkout, and the bank."""
