"""Stand-ins for Stripe and SendGrid: a process of their own that speaks the vendors' HTTP to the vendors'
clients."""
