"""The access log: what a call shows of whom, declared at its route, and written where all routes are answered."""
