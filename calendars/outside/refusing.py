"""Why a file is not read: then nothing of it is."""


class NotACalendar(ValueError):
    """It is none, or is cut off or broken. The sentence says what is wrong with it, and quotes nothing of it."""


class TooMuch(ValueError):
    """It has more busy times than are read, or would take too long."""
