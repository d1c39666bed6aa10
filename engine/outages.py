"""The log of an outage: one line when it begins, one a minute with how many more there were, one when it is over.

While a database, the engine or a vendor is away, everything that meets it says so, some hundred times a second; what
else goes wrong at that time must still be found.
"""

import logging
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic

AWAY = (
    "APIConnectionError",
    "ClockUnavailable",
    "ConnectError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionTimeout",
    "EngineUnavailable",
    "GatewayUnavailable",
    "InterfaceError",
    "MailerUnavailable",
    "OperationalError",
    "RPCError",
    "Silent",
    "TimeoutError",
)
"""Errors that say: somebody is away. Everything else is logged whenever it happens."""

_AWAY = re.compile(rf"\b({'|'.join(AWAY)})\b|transport error|status: Unavailable|Connection refused")
_EVERY = 60.0  # seconds
_LOOK = 5.0
Kind = tuple[str, str]


@dataclass
class _Outage:
    level: int
    began: float
    told: float
    last: float
    more: int = 0  # since it was told last
    total: int = 1


class CountOutages(logging.Filter):
    """Lets the first line of an outage pass, and counts the rest. A line is of an outage by the error that it tells of.

    An outage is over when nothing was heard of it for a minute. ``say`` is handed the lines with the counts.
    """

    def __init__(self, say: Callable[[logging.LogRecord], object], *, now: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._say = say
        self._now = now
        self._lock = threading.Lock()
        self._outages: dict[Kind, _Outage] = {}
        self._watch: threading.Timer | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        error = _error_of(record) if record.levelno >= logging.WARNING else None
        if error is None:
            return True
        now = self._now()
        with self._lock:
            known = self._outages.get((record.name, error))
            if known is not None:
                known.more, known.total, known.last = known.more + 1, known.total + 1, now
                return False
            self._outages[record.name, error] = _Outage(level=record.levelno, began=now, told=now, last=now)
            self._watched()
        return True

    def look(self) -> None:
        """Tell what is due by now: the counts of those that go on, the ends of those that do not."""
        with self._lock:
            lines = list(self._due(self._now()))
        for line in lines:
            self._say(line)

    def _due(self, now: float) -> Iterator[logging.LogRecord]:
        for (logger, error), outage in list(self._outages.items()):
            if now - outage.last >= _EVERY:
                del self._outages[logger, error]
                if outage.total > 1:
                    seconds = round(outage.last - outage.began)
                    text = f"{error}: no more of these; {outage.total} in {seconds} s, {outage.more} since the last"
                    yield _line(logger, logging.INFO, text)
            elif outage.more and now - outage.told >= _EVERY:
                yield _line(logger, outage.level, f"{error}: {outage.more} more of these in the last minute")
                outage.told, outage.more = now, 0

    def _watched(self) -> None:
        """Look again and again as long as there is an outage; held under the lock."""
        if self._watch is None:
            self._watch = threading.Timer(_LOOK, self._look_again)
            self._watch.daemon = True
            self._watch.start()

    def _look_again(self) -> None:
        self.look()
        with self._lock:
            self._watch = None
            if self._outages:
                self._watched()


def _error_of(record: logging.LogRecord) -> str | None:
    """By which error a line tells that somebody is away; None for every other line."""
    if isinstance(record.msg, dict):  # structlog's
        told = str(record.msg.get("error", "") or record.msg.get("cause", ""))
        error = record.msg.get("exc_info")
        error = error[1] if isinstance(error, tuple) else error
    else:
        told = record.getMessage() if record.name.startswith("temporalio") else ""
        error = record.exc_info[1] if record.exc_info else None
    while isinstance(error, BaseException):
        for kind in type(error).__mro__:
            if kind.__name__ in AWAY:
                return type(error).__name__
        error = error.__cause__
    found = _AWAY.search(told)
    return found[0] if found else None


def _line(logger: str, level: int, text: str) -> logging.LogRecord:
    return logging.LogRecord(logger, level, __file__, 0, text, None, None)
