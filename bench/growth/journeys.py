"""100, 1,000 and 10,000 open journeys: what a booking and a list cost then, and what so many take up.

The journeys are rows, which the resume command starts; one stack grows through all sizes. Bookings are of one caller,
over the API, each of another client and therapist, one after the other: what they meet is a worker that has most of the
journeys in its cache, and at the largest size not nearly all of them.
"""

import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import httpx

from bench.figures import HEADER, against, line, median
from bench.growth.measures import (
    DESK,
    Report,
    database_bytes,
    engine_bytes,
    memory,
    rows_read,
    sizes,
    timed,
    until_quiet,
)
from bench.growth.practice import add_clients, add_practice, connected_to
from local.stack import LocalStack, Ports
from models.tables.booking.therapist import Therapist
from ops.connected import Connected
from ops.resume import resume_all

SIZES = (100, 1_000, 10_000)
THERAPISTS = 1_000
BOOKINGS, LISTS, WARM_UP = 40, 30, 3
WITHIN = 1.5
Call = Callable[[], Awaitable[httpx.Response]]


async def run() -> None:
    report = Report("growth_journeys")
    async with await LocalStack.start(ports=Ports.free(), seed=False) as stack, connected_to(stack) as on:
        grown = sizes(SIZES)
        therapists = await add_practice(stack, on, min(THERAPISTS, grown[-1]))
        async with httpx.AsyncClient(base_url=stack.api_url, headers=DESK, timeout=60, trust_env=False) as http:
            growing = _Growing(stack, on, http, report, therapists=therapists, now=await on.clock.now())
            booked = {size: await growing.to(size) for size in grown}
            await growing.cold()
    first, last = grown[0], grown[-1]
    ratio = median(booked[last]) / median(booked[first])
    goal = f"a booking at {last} open journeys within {WITHIN} times that at {first}: it is {ratio:.2f} times"
    report.tell(against(goal, met=ratio <= WITHIN))
    report.keep()


class _Growing:
    def __init__(
        self,
        stack: LocalStack,
        on: Connected,
        http: httpx.AsyncClient,
        report: Report,
        *,
        therapists: Sequence[Therapist],
        now: datetime,
    ) -> None:
        self._stack, self._on, self._http, self._report = stack, on, http, report
        self._therapists = therapists
        self._day = now.replace(hour=17, minute=0, second=0, microsecond=0) + timedelta(days=2)
        self._clients: list[UUID] = []
        self._unbooked: list[UUID] = []
        self._chance = random.Random(7)  # noqa: S311 - figures, no secrets
        self._booked = 0

    async def to(self, size: int) -> list[float]:
        """So many journeys, all of them; what bookings then take (milliseconds)."""
        worker, more = self._stack.workers["worker"], size - len(self._clients)
        stored, kept = await database_bytes(self._on.sessions), engine_bytes(self._stack)
        added = await add_clients(self._on, self._therapists, first=len(self._clients), until=size)
        self._clients += added
        self._unbooked += added
        began = time.perf_counter()
        started = await resume_all(self._on)
        await until_quiet(worker)
        took = time.perf_counter() - began
        stored, kept = await database_bytes(self._on.sessions) - stored, engine_bytes(self._stack) - kept
        self._report.tell(f"{size} open journeys, {started} of them started in {took:.0f} s")
        self._report.tell(
            f"  worker's memory {memory(worker):.0f} MB; a journey is {stored / more / 1000:.1f} kB in the database,"
            f" {kept / more / 1000:.1f} kB in the engine"
        )
        await timed(self._bookings(WARM_UP))
        read = await rows_read(self._on.sessions)
        booked = await timed(self._bookings(BOOKINGS))
        read = await rows_read(self._on.sessions) - read
        self._report.tell(HEADER)
        self._report.tell(line("a booking", booked) + f"   {read / len(booked):.0f} rows read each")
        for path in ("/v1/clients?limit=50", "/v1/appointments?limit=50"):
            calls = [partial(self._http.get, path)] * LISTS
            await timed(calls[:WARM_UP])
            self._report.tell(line(f"GET {path}", await timed(calls)))
        return booked

    async def cold(self) -> None:
        """The worker is killed; another takes over, with nothing in its cache."""
        await self._stack.kill_worker()
        began = time.perf_counter()
        await self._stack.start_worker()
        ready = time.perf_counter() - began
        calls = self._bookings(BOOKINGS)
        first = await timed(calls[:1])
        answered = time.perf_counter() - began
        others = await timed(calls[1:])
        await until_quiet(self._stack.workers["worker"])
        self._report.tell(
            f"A worker that takes over {len(self._clients)} journeys is ready after {ready:.1f} s, and has answered its"
            f" first booking after {answered:.1f} s ({first[0]:.0f} ms)"
        )
        self._report.tell(line("a booking of a cold worker", others))
        self._report.tell(f"  worker's memory {memory(self._stack.workers['worker']):.0f} MB")

    def _bookings(self, count: int) -> Sequence[Call]:
        """Each of somebody who has booked nothing yet, at an hour that nobody else wants."""
        whom = [self._unbooked.pop(self._chance.randrange(len(self._unbooked))) for _ in range(count)]
        return [partial(self._book, client, self._next_start()) for client in whom]

    def _next_start(self) -> datetime:
        self._booked += 1
        return self._day + self._booked % 40 * timedelta(days=1) + self._booked // 40 % 7 * timedelta(hours=1)

    async def _book(self, client: UUID, at: datetime) -> httpx.Response:
        body = {"type": "session", "starts_at": at.isoformat(), "mode": "video", "reason": "As they asked."}
        return await self._http.post(f"/v1/clients/{client}/appointments", json=body)
