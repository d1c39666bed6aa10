"""Chats, blasts and the feed."""
