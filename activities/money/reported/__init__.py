"""What Stripe tells that nobody here has asked for: each object is looked at anew, and what became of it recorded."""
