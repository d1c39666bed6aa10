"""10, 100 and 1,000 sessions in one client's life: what a booking, an outcome, the record and the facts cost then.

The facts are asked for in this process, where their statements can be counted; beside all else stand the rows that the
database read for it, which grow where something reads a whole life.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

import httpx
from sqlalchemy import event

from bench.figures import HEADER, line, now_ms
from bench.growth.measures import DESK, Report, rows_read, sizes, timed, until_quiet
from bench.growth.practice import add_clients, add_life, add_practice, connected_to
from local.stack import LocalStack, Ports
from models.reads.journey import journey_facts
from models.tables.clients.client import Client
from ops.connected import Connected
from ops.resume import resume_all

SIZES = (10, 100, 1_000)
ROUNDS, WARM_UP = 10, 2


async def run() -> None:
    report = Report("growth_sessions")
    async with await LocalStack.start(ports=Ports.free(), seed=False) as stack, connected_to(stack) as on:
        lives = sizes(SIZES)
        therapists = await add_practice(stack, on, len(lives))
        clients = await add_clients(on, therapists, first=0, until=len(lives))
        ended = [
            await add_life(on, therapist, client, sessions=size, unmarked=ROUNDS + WARM_UP)
            for therapist, client, size in zip(therapists, clients, lives, strict=True)
        ]
        await resume_all(on)
        await until_quiet(stack.workers["worker"])
        async with httpx.AsyncClient(base_url=stack.api_url, headers=DESK, timeout=60, trust_env=False) as http:
            for size, client, unmarked in zip(lives, clients, ended, strict=True):
                report.tell(f"{size} sessions in one client's life")
                await _life(on, http, report, client, unmarked)
    report.keep()


async def _life(on: Connected, http: httpx.AsyncClient, report: Report, client: UUID, unmarked: Sequence[UUID]) -> None:
    report.tell(HEADER)
    day = (await on.clock.now()).replace(hour=17, minute=0, second=0, microsecond=0) + timedelta(days=2)

    async def book(number: int) -> httpx.Response:
        body = {"type": "session", "starts_at": (day + timedelta(days=number)).isoformat(), "mode": "video"}
        return await http.post(f"/v1/clients/{client}/appointments", json=body | {"reason": "As they asked."})

    async def mark(number: int) -> httpx.Response:
        return await http.post(f"/v1/appointments/{unmarked[number]}/outcome", json={"outcome": "occurred"})

    async def listed(_: int) -> httpx.Response:
        return await http.get(f"/v1/appointments?client={client}&limit=50")

    async def record(_: int) -> httpx.Response:
        return await http.get(f"/v1/clients/{client}")

    for name, call in {
        "a booking": book,
        "an outcome": mark,
        "their appointments": listed,
        "the record": record,
    }.items():
        calls = [partial(call, number) for number in range(WARM_UP + ROUNDS)]
        await timed(calls[:WARM_UP])
        read = await rows_read(on.sessions)
        taken = await timed(calls[WARM_UP:])
        read = await rows_read(on.sessions) - read
        report.tell(line(name, taken) + f"   {read / ROUNDS:.0f} rows read each")
    taken, asked = await _facts(on, client)
    report.tell(line("the journey's facts", taken) + f"   {asked:.0f} statements each")


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
