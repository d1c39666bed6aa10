"""Every call, with made-up requests, as everybody who can ask."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from tests.api.fuzz.cases import WHOSE, Operation, made_up, request_of
from tests.api.fuzz.findings import Findings
from tests.api.fuzz.two_clients import WHO, TwoClients, is_as_it_was, two_clients
from tests.care.rows import Rows


@dataclass
class Asking:
    """``number`` decides what is made up, and how it is dealt out to those who ask. ``each``: everybody asks so much of
    each call that it allows, and ``wrongly`` what it does not.

    What a request changed is there for the next one, until somebody could not ask any more, or would see more or less
    than at the beginning: then ``emptied`` makes room for the same again.
    """

    api: httpx.AsyncClient
    rows: Rows
    faults: Findings
    emptied: Callable[[], Awaitable[None]]
    number: int = 0
    each: int = 1
    wrongly: int = 0
    _there: TwoClients | None = None

    async def ask(self, operation: Operation, place: int) -> None:
        """One call: every caller has a case of their own, about what is theirs, the other's or nobody's in turn."""
        cases = made_up(operation, valid=_DEALT * self.each, invalid=_DEALT * self.wrongly, number=self.number)
        for turn in range(self.each + self.wrongly):
            changed = False
            there = await self.there()
            for seat, who in enumerate(WHO):
                case = cases[(turn * _DEALT + seat) % len(cases)]
                deal = place + seat + turn + self.number
                request = request_of(case, there, who=who, whose=WHOSE[deal % len(WHOSE)], number=deal)
                answer = await self.api.send(request)
                # Whoever has the secret, or the id of a hold, is not asked who they are.
                by_secret = any(name in operation.path for name in ("{secret}", "{hold_id}"))
                self.faults.look_at(answer, case, who=who, secret=set() if by_secret else there.not_for(who))
                changed = changed or (request.method != "GET" and answer.is_success)
            if changed and not await is_as_it_was(self.rows, there, self.api):
                self._there = None

    async def there(self) -> TwoClients:
        if self._there is None:
            await self.emptied()
            self._there = await two_clients(self.rows)
        return self._there


_DEALT = 4  # cases of a call for eight who ask
