"""Many requests at the same moment, and what the table of occupied time says afterwards."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from time import monotonic

import httpx
from sqlalchemy import text

from models.database import Sessions
from tests.care.defaults import Json
from tests.care.story import Care

LONGEST = 40.0  # seconds for the last of a crowd: several times what it takes, because tests share the machine
_TO_A_POOL = 13  # connections: a pool of the HTTP client's grows slow with the square of its connections


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request of a crowd: a POST."""

    path: str
    body: Json
    by: str = "site"


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a crowd was answered, in the order in which it asked, and how long each waited (seconds)."""

    all: list[httpx.Response]
    waited: list[float]

    @property
    def won(self) -> list[int]:
        """Who of the crowd got what they asked for."""
        return [number for number, answer in enumerate(self.all) if answer.is_success]

    def problems(self) -> list[Json]:
        return [answer.json() for answer in self.all if not answer.is_success]

    def booked(self) -> list[Json]:
        return [line for number in self.won for line in self.all[number].json()["appointments"]]

    def figures(self) -> str:
        waited = sorted(self.waited)
        return (
            f"{len(waited)} requests: p50 {waited[len(waited) // 2]:.2f} s, "
            f"p95 {waited[len(waited) * 95 // 100]:.2f} s, longest {waited[-1]:.2f} s"
        )


async def ask_at_once(care: Care, asked: Sequence[Ask]) -> Answers:
    """Everybody asks at once, each over a connection of their own. Each is told yes or 409, and in good time."""
    async with AsyncExitStack() as stack:
        pools = [
            await stack.enter_async_context(httpx.AsyncClient(timeout=2 * LONGEST, trust_env=False))
            for _ in range(-(-len(asked) // _TO_A_POOL))
        ]

        beside = [await care.on_behalf("POST", one.path, one.body) if one.by == "site" else {} for one in asked]

        async def ask(number: int) -> tuple[httpx.Response, float]:
            one, through = asked[number], Care(care.house, pools[number % len(pools)], care.tokens)
            began = monotonic()
            answer = await through.call("POST", one.path, one.body, by=one.by, headers=beside[number])
            return answer, monotonic() - began

        got = await asyncio.gather(*(ask(number) for number in range(len(asked))))
    answers = Answers(all=[answer for answer, _ in got], waited=[waited for _, waited in got])
    strange = [answer.text for answer in answers.all if answer.status_code not in (200, 201, 409)]
    assert strange == []
    assert max(answers.waited) < LONGEST, answers.figures()
    return answers


def names_of(problems: Sequence[Json]) -> Counter[str]:
    return Counter(problem["type"].rsplit("/", 1)[-1] for problem in problems)


@dataclass(frozen=True, kw_only=True)
class Occupied:
    """One row of occupied time. ``appointment`` is None for a hold."""

    therapist: str
    client: str | None
    appointment: str | None
    starts_at: datetime
    ends_at: datetime


async def occupied(sessions: Sessions, *, since: datetime | None = None) -> list[Occupied]:
    """All of occupied time that begins at ``since`` or later, in order."""
    statement = text(
        "SELECT t.slug, o.client_id, o.appointment_id, o.starts_at, o.ends_at"
        " FROM occupied_time o JOIN therapist t ON t.id = o.therapist_id"
        " WHERE CAST(:since AS timestamptz) IS NULL OR o.starts_at >= :since ORDER BY o.starts_at"
    )
    async with sessions() as session:
        rows = (await (await session.connection()).execute(statement, {"since": since})).all()
    return [
        Occupied(
            therapist=slug,
            client=str(client) if client else None,
            appointment=str(appointment) if appointment else None,
            starts_at=starts_at,
            ends_at=ends_at,
        )
        for slug, client, appointment, starts_at, ends_at in rows
    ]


def nobody_is_double_booked(rows: Sequence[Occupied], *, gap: timedelta = timedelta(0)) -> None:
    """No two rows of one therapist, or of one client, overlap; those of a therapist are ``gap`` apart."""
    for one, other in combinations(rows, 2):
        if one.therapist == other.therapist:
            assert one.ends_at + gap <= other.starts_at or other.ends_at + gap <= one.starts_at, (one, other)
        elif one.client is not None and one.client == other.client:
            assert one.ends_at <= other.starts_at or other.ends_at <= one.starts_at, (one, other)


async def booked_clients(sessions: Sessions) -> set[str]:
    """The ids of clients with anything booked: an appointment, a first booking, details, or a fact of it."""
    statement = text(
        "SELECT id FROM client WHERE first_booked_at IS NOT NULL OR email IS NOT NULL"
        " UNION SELECT client_id FROM appointment"
        " UNION SELECT client_id FROM fact WHERE kind IN ('booked', 'details_changed', 'forms_requested')"
    )
    async with sessions() as session:
        return {str(row[0]) for row in (await (await session.connection()).execute(statement)).all()}


async def deadlocks(sessions: Sessions) -> int:
    """How many transactions PostgreSQL ended, since this database was made, because they waited in a circle.

    A server process hands its counts in at its end at the latest: close what was connected first.
    """
    statement = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    async with sessions() as session:
        return int((await (await session.connection()).execute(statement)).scalar_one())
