"""Forms, chats, and what a therapist shares."""
