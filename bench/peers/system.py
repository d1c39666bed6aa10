"""What the driver and the figures need of each of the three."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx
import psycopg

from bench.peers.ending import SentMail, SessionSeen
from local.postgres import Postgres
from local.processes import Process

Json = dict[str, Any]
SURELY = 120.0  # seconds in which an answer that is asked for again has to come
LASTS = timedelta(seconds=1)  # a session
REMIND = (timedelta(seconds=75), timedelta(seconds=25))
"""Before the start. Between the two, and from the last to the start, all that a killed worker left has been taken over:
this product does so within 45 s, as in production, where the shortest of these times is hours."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    reminders: int
    paid: int
    receipts: int


class System(ABC):
    """One of the three, running: an API, a worker, stand-ins.

    Attributes:
        name: as the table names it.
        database: the name of its database in the PostgreSQL that all share.
        api_url, sandbox_url: without a slash at the end.
    """

    name: str
    database: str
    api_url: str
    sandbox_url: str
    # SQL: of the clients with `%(emails)s`. Sessions: email, status, payment, paid, due, paid at.
    sessions_sql: str
    progress_sql: str  # reminders and receipts sent, payments paid

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    async def stop(self) -> None: ...

    @abstractmethod
    def headers(self, by: str) -> dict[str, str]:
        """Of a request by ``site``, ``desk``, nobody (empty), or whoever has this sign-in's token."""

    @abstractmethod
    async def book(
        self, http: httpx.AsyncClient, client_id: str, details: Json, starts: Sequence[datetime], after: timedelta
    ) -> list[str]:
        """Six sessions, which begin then and are charged so long after their end. Their ids, in that order."""

    @abstractmethod
    async def kill_worker(self) -> None: ...

    @abstractmethod
    async def start_worker(self) -> None: ...

    @property
    @abstractmethod
    def processes(self) -> Mapping[str, Process]:
        """Its own programs and servers, without PostgreSQL and the stand-ins."""

    async def sessions(self, emails: Sequence[str]) -> list[SessionSeen]:
        names = ("email", "status", "payment_id", "paid", "due_at", "paid_at")
        return [
            SessionSeen(**dict(zip(names, row, strict=True))) for row in await self._asked(self.sessions_sql, emails)
        ]

    async def progress(self, emails: Sequence[str]) -> Progress:
        [(reminders, receipts, paid)] = await self._asked(self.progress_sql, emails)
        return Progress(reminders=reminders, receipts=receipts, paid=paid)

    async def in_doubt(self, emails: Sequence[str]) -> list[SentMail]:  # noqa: ARG002 - of those who write it down
        """What its rows say of: may have been sent, and is not sent again."""
        return []

    async def on_their_way(self, emails: Sequence[str]) -> int | None:  # noqa: ARG002 - of those who write it down
        """How many mails its rows have as handed to the mail service, without an answer. None: they do not tell."""
        return None

    async def _asked(self, statement: str, emails: Sequence[str]) -> list[tuple[Any, ...]]:
        url = self.postgres.owner_url(self.database)
        async with await psycopg.AsyncConnection.connect(url) as connection:
            found = await connection.execute(statement, {"emails": list(emails)})
            rows: list[tuple[Any, ...]] = await found.fetchall()
            return rows

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


async def repeated(
    http: httpx.AsyncClient, method: str, url: str, body: Json, headers: Mapping[str, str]
) -> httpx.Response:
    """With one key, for as long as the answer is that this could not be finished just now, as on a busy machine."""
    with_key = {**headers, "Idempotency-Key": str(uuid4())}
    async with asyncio.timeout(SURELY):
        while True:
            answer = await http.request(method, url, json=body, headers=with_key)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return answer
            await asyncio.sleep(0.5)
