"""That a program's key was used: once in a quarter of an hour, for each process, so that it costs next to nothing."""

from time import monotonic

_WITHIN = 15 * 60.0  # seconds of this process, which needs no clock but its own


class KeyUses:
    """Which keys have been noted lately, by one process. What it forgets when it ends is noted once more."""

    def __init__(self) -> None:
        self._noted: dict[str, float] = {}

    def is_new(self, key: str) -> bool:
        noted = self._noted.get(key)
        return noted is None or monotonic() >= noted + _WITHIN

    def note(self, key: str) -> None:
        """It has been written down."""
        self._noted[key] = monotonic()
