"""Steps about a client: matching, details, the account, tasks, joining."""
