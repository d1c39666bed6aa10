"""Whoever calls the practice's API, and asks again until there is an answer, as every good caller does."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

SITE, DESK, ADMIN = "dev-booking-site", "dev-care-team", "dev-admin"
_PAUSES = (0.2, 0.5, 1.0, 2.0)  # seconds between tries; the last one repeats
_LONGEST_PAUSE = 5.0  # whatever Retry-After says


class NotAnswered(Exception):
    """Nobody answered, or the answer was none that this request may get."""


@dataclass
class ApiClient:
    """Asks over HTTP. ``tries`` counts what came back, by status or kind of failure; ``slowest`` is the longest that
    anybody had to ask; after ``patience`` they have not been answered. In seconds."""

    http: httpx.AsyncClient
    api_url: str
    patience: float
    tries: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    async def ask(
        self, method: str, path: str, body: Any = None, *, by: str = SITE, once: str | None = None
    ) -> httpx.Response:
        """The first answer that says how it ended: done, or refused. ``once`` is the request's idempotency key.

        Raises NotAnswered.
        """
        headers = {"Authorization": f"Bearer {by}"} | ({"Idempotency-Key": once} if once else {})
        began, tried = time.monotonic(), 0
        while True:
            pause = _PAUSES[min(tried, len(_PAUSES) - 1)]
            try:
                answer = await self.http.request(method, self.api_url + path, json=body, headers=headers)
            except httpx.TransportError as error:
                self.tries[type(error).__name__] += 1
                last = repr(error)
            else:
                self.tries[str(answer.status_code)] += 1
                if not (answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS):
                    self.slowest = max(self.slowest, time.monotonic() - began)
                    return answer
                last = f"{answer.status_code} {answer.text[:200]}"
                pause = min(float(answer.headers.get("Retry-After", pause)), _LONGEST_PAUSE)
            if time.monotonic() - began > self.patience:
                raise NotAnswered(f"{method} {path}: nobody answered for {self.patience:g} s, at last {last}")
            tried += 1
            await asyncio.sleep(pause)

    async def is_ready(self) -> bool:
        """Whether the practice could be asked now, with database and engine."""
        try:
            return (await self.http.get(f"{self.api_url}/readyz", timeout=3)).is_success
        except httpx.TransportError:
            return False

    async def done(self, method: str, path: str, body: Any = None, *, by: str = SITE, once: str | None = None) -> Any:
        """The answer of a request that nothing stands in the way of. Raises NotAnswered."""
        answer = await self.ask(method, path, body, by=by, once=once)
        if not answer.is_success:
            raise NotAnswered(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else None


def problem_of(answer: httpx.Response) -> str:
    """The name of the problem that an answer tells; empty for none."""
    if answer.is_success or not answer.headers.get("content-type", "").startswith("application/problem+json"):
        return ""
    return str(answer.json()["type"]).rsplit("/", 1)[-1]
