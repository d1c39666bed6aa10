"""Mails as a practice words them: checked, and shown with made-up people."""
