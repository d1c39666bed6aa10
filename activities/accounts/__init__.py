"""Steps about who did something."""
