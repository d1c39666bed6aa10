"""What a client does at Stripe, or has done there for them: a card saved, a payment confirmed."""
