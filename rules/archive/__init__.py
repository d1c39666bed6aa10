"""What an archive stops, and what an unarchive brings back."""
