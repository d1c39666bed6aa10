"""Sign-ins that fail, bounded (rate limiting)."""

from collections import OrderedDict
from datetime import datetime, timedelta

from api.problems import refuse
from rules.refusals import Problem


class FailedSignIns:
    """At most ten failed sign-ins per address in fifteen minutes, whether anybody has the address or not.

    A try counts before its password is looked at, so that guesses sent side by side are bounded too. No counter is
    pushed out before its time, so a flood of made-up addresses forgets nobody's; it costs memory only at the pace at
    which passwords are checked. Each process counts alone.
    """

    MOST = 10
    WINDOW = timedelta(minutes=15)

    def __init__(self) -> None:
        self._tries: OrderedDict[str, list[datetime]] = OrderedDict()  # by the latest try

    def count(self, address: str, *, now: datetime) -> None:
        """Count a try as failed until it succeeds. Raises Refused while an address has failed too often."""
        self._forget(now - self.WINDOW)
        tries = [at for at in self._tries.get(address, ()) if at > now - self.WINDOW]
        if len(tries) >= self.MOST:
            wait = tries[0] + self.WINDOW - now
            raise refuse(
                Problem.RATE_LIMITED,
                "Too many failed sign-ins with this address. Please try again later.",
                retry_after=max(1, round(wait.total_seconds())),
            )
        self._tries[address] = [*tries, now]
        self._tries.move_to_end(address)

    def succeeded(self, address: str) -> None:
        self._tries.pop(address, None)

    def _forget(self, before: datetime) -> None:
        while self._tries and next(iter(self._tries.values()))[-1] <= before:
            self._tries.popitem(last=False)
