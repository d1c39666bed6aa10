"""What people do at Stripe itself: in its dashboard, on its page for a card, at the bank."""
