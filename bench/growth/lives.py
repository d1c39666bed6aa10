"""10, 100 and 1,000 sessions in one client's life: what a booking, an outcome, the record and the facts cost then.

The facts are asked for in this process, where their statements can be counted; beside all else stand the rows that the
database read for it, which grow where something reads a whole life.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import httpx
from sqlalchemy import event

from bench.figures import HEADER, line, now_ms
from bench.growth.measures import DESK, Report, rows_read, sizes, timed, until_quiet, within
from bench.growth.practice import add_clients, add_life, add_practice, connected_to, tidied
from local.stack import LocalStack, Ports
from models.reads.journey import journey_facts
from models.tables.clients.client import Client
from ops.connected import Connected
from ops.resume import resume_these
from rules.keeping import Kept

SIZES = (10, 100, 1_000)
ROUNDS, COUNTED = 10, 3  # calls that are timed, and those before them whose rows are counted
OTHERS = 1_000  # clients who are rows alone: a practice is never of three


@dataclass(frozen=True)
class _Life:
    sessions: int
    client: UUID
    unmarked: Sequence[UUID]

    @property
    def workflow_ids(self) -> list[str]:
        return [Kept.JOURNEY.id_of(str(self.client)), *(Kept.APPOINTMENT.id_of(str(one)) for one in self.unmarked)]


Call = Callable[[_Life, int], Awaitable[httpx.Response]]


async def run() -> None:
    report, acts = Report("growth_sessions", SIZES), ROUNDS + COUNTED
    async with await LocalStack.start(ports=Ports.free(), seed=False) as stack, connected_to(stack) as on:
        therapists = await add_practice(stack, on, len(sizes(SIZES)))
        clients = await add_clients(on, therapists, first=0, until=len(sizes(SIZES)))
        lives = [
            _Life(size, client, await add_life(on, therapist, client, sessions=size, unmarked=acts))
            for therapist, client, size in zip(therapists, clients, sizes(SIZES), strict=True)
        ]
        _ = await add_clients(on, therapists, first=len(lives), until=len(lives) + OTHERS)
        async with within(10, "the journeys that were to be started"):
            _ = await resume_these(on, [id for life in lives for id in life.workflow_ids])
        await until_quiet(stack.workers["worker"])
        await tidied(stack)
        async with httpx.AsyncClient(base_url=stack.api_url, headers=DESK, timeout=120, trust_env=False) as http:
            day = (await on.clock.now()).replace(hour=17, minute=0, second=0, microsecond=0) + timedelta(days=2)
            for name, call in _calls(http, day).items():
                await _in_turn(on, report, name, call, lives)
        report.tell("the journey's facts, in this process")
        report.tell(HEADER)
        for life in lives:
            taken, asked = await _facts(on, life.client)
            report.tell(line(f"{life.sessions} sessions", taken) + f"   {asked:.0f} statements each")
    report.keep()


def _calls(http: httpx.AsyncClient, day: datetime) -> dict[str, Call]:
    async def book(life: _Life, number: int) -> httpx.Response:
        body = {"type": "session", "starts_at": (day + timedelta(days=number)).isoformat(), "mode": "video"}
        return await http.post(f"/v1/clients/{life.client}/appointments", json=body | {"reason": "As they asked."})

    async def mark(life: _Life, number: int) -> httpx.Response:
        return await http.post(f"/v1/appointments/{life.unmarked[number]}/outcome", json={"outcome": "occurred"})

    async def listed(life: _Life, _: int) -> httpx.Response:
        return await http.get(f"/v1/appointments?client={life.client}&limit=50")

    async def record(life: _Life, _: int) -> httpx.Response:
        return await http.get(f"/v1/clients/{life.client}")

    return {"a booking": book, "an outcome": mark, "their appointments": listed, "the record": record}


async def _in_turn(on: Connected, report: Report, name: str, call: Call, lives: Sequence[_Life]) -> None:
    """Count the rows of each life's first calls; then time the others, a call of each life in turn."""
    read: list[str] = []
    for life in lives:
        before = await rows_read(on.sessions)
        _ = await timed([partial(call, life, number) for number in range(COUNTED)])
        read.append((await rows_read(on.sessions)).since(before, calls=COUNTED))
    numbers = range(COUNTED, COUNTED + ROUNDS)
    taken = await timed([partial(call, life, number) for number in numbers for life in lives])
    report.tell(name)
    report.tell(HEADER)
    for at, life in enumerate(lives):
        report.tell(line(f"{life.sessions} sessions", taken[at :: len(lives)]) + f"   {read[at]}")


async def _facts(on: Connected, client_id: UUID) -> tuple[list[float], float]:
    """Milliseconds of each, and statements."""
    taken: list[float] = []
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    async with on.sessions() as session:
        client = await session.get_one(Client, client_id)
        engine = (await session.connection()).sync_connection
        assert engine is not None
        await journey_facts(session, client)
        event.listen(engine, "before_cursor_execute", note)
        for _ in range(ROUNDS):
            began = now_ms()
            await journey_facts(session, client)
            taken.append(now_ms() - began)
        event.remove(engine, "before_cursor_execute", note)
    return taken, len(asked) / ROUNDS
