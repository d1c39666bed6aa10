"""Steps about forms."""
