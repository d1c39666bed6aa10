"""What one person asks for and another one approves or refuses."""
