"""Every side effect of a journey: one transaction or one outside call each, safe to run twice."""
