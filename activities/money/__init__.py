"""Steps about money: fees, charges, credits, refunds, waivers, and the comparison with Stripe."""
