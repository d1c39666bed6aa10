"""Finding a therapist: the front door, the matching form, profiles."""
