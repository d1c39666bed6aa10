"""What is written beside the tables themselves: the timeline, locks, holds, chats."""
