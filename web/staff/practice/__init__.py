"""For owners: therapists, staff, texts, settings, who looked, totals."""
