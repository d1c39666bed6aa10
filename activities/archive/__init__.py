"""Steps about the archive of one client and of many, and the way back."""
