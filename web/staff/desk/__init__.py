"""What needs a person: tasks, payments, approvals, the comparison with Stripe."""
