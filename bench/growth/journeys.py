"""100 and 1,000 open journeys, and 10,000 if they are asked for: what a booking and a list cost then, and what so many
take up.

The journeys are rows, which the resume command starts; one stack grows through all sizes, and beside it one stays
small: who books at both in turn sees what growth does, whatever else the machine has to do meanwhile. Bookings are of
one caller, over the API, each of another client and therapist: what they meet at the largest size is a worker that has
not nearly all of the journeys in its cache.
"""

import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

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
    within,
)
from bench.growth.practice import add_clients, add_practice, connected_to, tidied
from local.stack import LocalStack, Ports
from models.tables.booking.therapist import Therapist
from ops.connected import Connected
from ops.resume import resume_all

SIZES = (100, 1_000)
THERAPISTS = 1_000
BOOKINGS, LISTS, WARM_UP = 40, 30, 3
WITHIN = 1.5
PATIENCE = 75.0  # minutes for all journeys of a size to run
LISTED = ("/v1/clients?limit=50", "/v1/appointments?limit=50")
Call = Callable[[], Awaitable[httpx.Response]]


async def run() -> None:
    report, grown = Report("growth_journeys", SIZES), sizes(SIZES)
    async with (
        await LocalStack.start(ports=Ports.free(), seed=False) as small_stack,
        await LocalStack.start(ports=Ports.free(), seed=False) as stack,
        connected_to(small_stack) as on_small,
        connected_to(stack) as on,
        httpx.AsyncClient(base_url=small_stack.api_url, headers=DESK, timeout=120, trust_env=False) as small_http,
        httpx.AsyncClient(base_url=stack.api_url, headers=DESK, timeout=120, trust_env=False) as http,
    ):
        small = _Growing(small_stack, on_small, small_http, await add_practice(small_stack, on_small, grown[0]))
        growing = _Growing(stack, on, http, await add_practice(stack, on, min(THERAPISTS, grown[-1])))
        await small.to(grown[0], report)
        ratio = 1.0
        for size in grown:
            await growing.to(size, report)
            ratio = await _side_by_side(small, growing, report)
        await growing.cold(report)
    goal = f"a booking at {grown[-1]} open journeys within {WITHIN} times that at {grown[0]}: it is {ratio:.2f} times"
    report.tell(against(goal, met=ratio <= WITHIN))
    report.keep()


async def _side_by_side(small: "_Growing", growing: "_Growing", report: Report) -> float:
    """Ask both in turn; how many times as long a booking takes where there are more journeys (median by median)."""
    for one in (small, growing):
        _ = await timed(one.bookings(WARM_UP))
    read = await rows_read(growing.on.sessions)
    beside, booked = await _in_turn(small.bookings(BOOKINGS), growing.bookings(BOOKINGS))
    read_each = (await rows_read(growing.on.sessions)).since(read, calls=BOOKINGS)
    ratio = median(booked) / median(beside)
    report.tell(HEADER)
    report.tell(line(f"a booking at {small.size}", beside))
    report.tell(line(f"a booking at {growing.size}", booked) + f"   {read_each}")
    for path in LISTED:
        for one in (small, growing):
            _ = await timed(one.reads(path, WARM_UP))
        read = await rows_read(growing.on.sessions)
        beside, listed = await _in_turn(small.reads(path, LISTS), growing.reads(path, LISTS))
        read_each = (await rows_read(growing.on.sessions)).since(read, calls=LISTS)
        name = path.partition("?")[0]
        report.tell(line(f"GET {name} at {small.size}", beside))
        report.tell(line(f"GET {name} at {growing.size}", listed) + f"   {read_each}")
    return ratio


async def _in_turn(small: Sequence[Call], growing: Sequence[Call]) -> tuple[list[float], list[float]]:
    taken = await timed([call for pair in zip(small, growing, strict=True) for call in pair])
    return taken[::2], taken[1::2]


class _Growing:
    def __init__(
        self, stack: LocalStack, on: Connected, http: httpx.AsyncClient, therapists: Sequence[Therapist]
    ) -> None:
        self.on, self.size = on, 0
        self._stack, self._http, self._therapists = stack, http, therapists
        self._clients: list[UUID] = []
        self._unbooked: list[UUID] = []
        self._chance = random.Random(7)  # noqa: S311 - figures, no secrets
        self._booked = 0
        later = datetime.now(UTC) + timedelta(days=2)
        self._day = later.replace(hour=17, minute=0, second=0, microsecond=0)

    async def to(self, size: int, report: Report) -> None:
        """So many journeys, all of them."""
        worker, more = self._stack.workers["worker"], size - self.size
        if not more:
            return
        stored, kept = await database_bytes(self.on.sessions), engine_bytes(self._stack)
        self._clients += await add_clients(self.on, self._therapists, first=self.size, until=size)
        self.size = size
        began = time.perf_counter()
        async with within(PATIENCE, f"{size} journeys that were to be started"):
            started = await resume_all(self.on)
        await until_quiet(worker)
        await tidied(self._stack)
        took = time.perf_counter() - began
        stored, kept = await database_bytes(self.on.sessions) - stored, engine_bytes(self._stack) - kept
        report.tell(f"{size} open journeys, {started} of them started in {took:.0f} s")
        report.tell(
            f"  worker's memory {memory(worker):.0f} MB; a journey is {stored / more / 1000:.1f} kB in the database,"
            f" {kept / more / 1000:.1f} kB in the engine"
        )

    async def cold(self, report: Report) -> None:
        """The worker is killed; another takes over, with nothing in its cache."""
        await self._stack.kill_worker()
        began = time.perf_counter()
        await self._stack.start_worker()
        ready = time.perf_counter() - began
        calls = self.bookings(BOOKINGS)
        first = await timed(calls[:1])
        answered = time.perf_counter() - began
        others = await timed(calls[1:])
        await until_quiet(self._stack.workers["worker"])
        report.tell(
            f"A worker that takes over {self.size} journeys is ready after {ready:.1f} s, and has answered its"
            f" first booking after {answered:.1f} s ({first[0]:.0f} ms)"
        )
        report.tell(line("a booking of a cold worker", others))
        report.tell(f"  worker's memory {memory(self._stack.workers['worker']):.0f} MB")

    def reads(self, path: str, count: int) -> Sequence[Call]:
        return [partial(self._http.get, path)] * count

    def bookings(self, count: int) -> Sequence[Call]:
        """Each of somebody else, at an hour that nobody else wants: who has booked comes again when all have."""
        return [partial(self._book, str(uuid4()), self._next_client(), self._next_start()) for _ in range(count)]

    def _next_client(self) -> UUID:
        if not self._unbooked:
            self._unbooked = list(self._clients)
        return self._unbooked.pop(self._chance.randrange(len(self._unbooked)))

    def _next_start(self) -> datetime:
        self._booked += 1
        return self._day + self._booked % 40 * timedelta(days=1) + self._booked // 40 % 7 * timedelta(hours=1)

    async def _book(self, key: str, client: UUID, at: datetime) -> httpx.Response:
        body = {"type": "session", "starts_at": at.isoformat(), "mode": "video", "reason": "As they asked."}
        return await self._http.post(f"/v1/clients/{client}/appointments", json=body, headers={"Idempotency-Key": key})
