"""Chats, documents and the feed."""
