"""What stands under `data`: documents as they were written, described here."""
