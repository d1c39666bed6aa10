"""Steps about chats and goals."""
