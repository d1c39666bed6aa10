"""The practice's own templates of mails, in place of ours: read once, and checked before any is mailed."""
