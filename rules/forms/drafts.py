"""Drafts of answers, and files that no answer names yet: how long they are kept, and how many."""

from datetime import timedelta

DRAFTS_KEPT = timedelta(days=30)  # since they were saved last
MOST_UPLOADS = 20  # files of one client that no answer names
