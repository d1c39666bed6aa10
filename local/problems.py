"""What keeps a local piece from starting, as one sentence that a person can act on."""


class CannotStart(Exception):
    """Its text is the whole message: one sentence, with what to do about it."""
