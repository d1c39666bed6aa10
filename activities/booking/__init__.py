"""Steps about appointments and waitlists."""
