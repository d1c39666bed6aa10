"""The rounds, and the table."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import psutil
import psycopg

from bench.figures import median, p95
from bench.peers.ending import SESSIONS, lateness
from bench.peers.environments import PEERS
from bench.peers.journeys import Plan, Played, play
from bench.peers.ours import Ours
from bench.peers.peer import Peer
from bench.peers.system import System
from local.postgres import Postgres

RESULTS = Path(__file__).parents[1] / "results" / "peers.txt"
_COUNTED = ("shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track_utility=off")
_STATEMENTS = """
    SELECT coalesce(sum(calls), 0)::bigint, (SELECT xact_commit FROM pg_stat_database WHERE datname = %(name)s)
    FROM pg_stat_statements JOIN pg_database ON oid = dbid WHERE datname = %(name)s"""
_S = timedelta(seconds=1)
_IDLE = 10.0  # seconds
WARM = Plan(name="warm", journeys=2, week=0.05 * _S, apart=0 * _S, after=1 * _S, lead=10 * _S)
# Their outcomes are all marked before the first charge is due: so these fall due at one moment.
MANY = Plan(name="many", journeys=30, week=0.05 * _S, apart=0 * _S, after=45 * _S)
FEW = Plan(name="few", journeys=10, week=3 * _S, apart=0.3 * _S, after=3 * _S)
KILLED = Plan(
    name="killed",
    journeys=20,
    week=0.05 * _S,
    apart=0 * _S,
    after=15 * _S,
    kill_at=(("reminders", 0.3), ("paid", 0.25), ("paid", 0.6)),
)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was seen of one of the three, and the machine's load before and after. ``core``: seconds of the processor,
    by process, in the round of many; ``idle``: statements a second while nothing happens."""

    name: str
    many: Played
    few: Played
    killed: Played
    statements: int
    commits: int
    core: Mapping[str, float]
    idle: float
    loads: tuple[float, float]


async def run() -> None:
    folder = Path(tempfile.mkdtemp(prefix="care-journeys-peers-"))
    try:
        async with await Postgres.start(folder / "postgres", settings=_COUNTED) as postgres:
            await _count(postgres)
            makers: list[Callable[[], System]] = [lambda: Ours(postgres)]
            makers += [lambda peer=peer: Peer(postgres, peer) for peer in PEERS]  # type: ignore[misc]
            columns: list[Measured] = []
            for make in makers:
                columns.append(await _measured(make()))
                RESULTS.write_text(table(columns) + "\n")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(table(columns))


async def _measured(system: System) -> Measured:
    print(f"  {system.name} ...", flush=True)
    load = os.getloadavg()[0]
    async with system:
        warm = await play(system, WARM)
        assert not warm.ending.charges_missing, warm.ending.said()
        # A slow machine gets the time that it needs: else reminders would fall due while clients still arrive.
        each = max(_S, 1.5 * warm.arriving * _S / WARM.journeys)
        quiet, _ = await _asked(system)
        await asyncio.sleep(_IDLE)
        before, asked = _worked(system), await _asked(system)
        many = await play(system, replace(MANY, each=each))
        core = {name: seconds - before[name] for name, seconds in _worked(system).items()}
        statements, commits = (after - so_far for after, so_far in zip(await _asked(system), asked, strict=True))
        few = await play(system, replace(FEW, each=each))
        killed = await play(system, replace(KILLED, each=each))
    return Measured(
        name=system.name,
        many=many,
        few=few,
        killed=killed,
        statements=statements,
        commits=commits,
        core=core,
        idle=(asked[0] - quiet) / _IDLE,
        loads=(load, os.getloadavg()[0]),
    )


async def _count(postgres: Postgres) -> None:
    async with await psycopg.AsyncConnection.connect(postgres.owner_url("postgres"), autocommit=True) as admin:
        _ = await admin.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")


async def _asked(system: System) -> tuple[int, int]:
    """Statements and transactions in its database so far; BEGIN, COMMIT and ROLLBACK are none."""
    async with await psycopg.AsyncConnection.connect(system.postgres.owner_url("postgres")) as admin:
        found = await (await admin.execute(_STATEMENTS, {"name": system.database})).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])


def _worked(system: System) -> dict[str, float]:
    """Seconds of a core that its processes have used so far; PostgreSQL's with those that have ended."""
    used = {}
    for name, process in {**system.processes, "postgres": system.postgres.process}.items():
        assert process.pid is not None
        one = psutil.Process(process.pid)
        times = one.cpu_times()
        used[name] = times.user + times.system
        if name == "postgres":
            used[name] += times.children_user + times.children_system
            for child in one.children(recursive=True):
                its = child.cpu_times()
                used[name] += its.user + its.system
    return used


def table(columns: list[Measured]) -> str:
    width = 60
    lines = [f"{'':{width}}" + "".join(f"{column.name:>16}" for column in columns)]

    def row(what: str, of: Callable[[Measured], object]) -> None:
        lines.append(f"{what:{width}}" + "".join(f"{of(column)!s:>16}" for column in columns))

    def each(of: Callable[[Measured], float]) -> Callable[[Measured], str]:
        return lambda column: f"{of(column):.1f}"

    many = MANY.journeys
    row("journeys begun a second (matching to the last form)", each(lambda c: many / c.many.arriving))
    row("outcomes marked a second", each(lambda c: _settled(c.many) / max(c.many.marking, 0.001)))
    row("charges and receipts settled a second, due at one moment", _a_second)
    row("... a charge is late by, median, seconds", lambda c: f"{median(lateness(c.many.sessions)):.2f}")
    row("journeys a second, without the waits between", lambda c: f"{many / _busy(c.many):.2f}")
    row("SQL statements a journey, with what is asked while it waits", each(lambda c: c.statements / many))
    row("SQL statements a second while nothing happens", each(lambda c: c.idle))
    row("transactions a journey", each(lambda c: c.commits / many))
    for name in ("worker", "web", "postgres", "temporal"):
        row(
            f"ms of a core a journey: {name}",
            lambda c, name=name: f"{c.core[name] / many * 1000:.0f}" if name in c.core else "-",  # type: ignore[misc]
        )
    row("few at a time: a charge is late by, median, seconds", lambda c: f"{median(lateness(c.few.sessions)):.2f}")
    row("... p95", lambda c: f"{p95(lateness(c.few.sessions)):.2f}")
    row("worker killed (SIGKILL) and started again, times", lambda c: c.killed.kills)
    row("... mails that the rows have as on their way just then", lambda c: _known(c.killed.on_their_way))
    row("... a charge is then late by, median, seconds", lambda c: f"{median(lateness(c.killed.sessions)):.2f}")
    row("... at most", lambda c: f"{max(lateness(c.killed.sessions)):.2f}")
    for what in ("charges missing", "charges doubled", "receipts missing", "receipts doubled"):
        row(f"... {what}", lambda c, what=what: getattr(c.killed.ending, what.replace(" ", "_")))  # type: ignore[misc]
    for what in ("reminders missing", "reminders in doubt", "reminders doubled"):
        row(f"... {what}", lambda c, what=what: getattr(c.killed.ending, what.replace(" ", "_")))  # type: ignore[misc]
    row("load of the machine before it, and after", lambda c: f"{c.loads[0]:.1f}, {c.loads[1]:.1f}")
    for column in columns:
        for name, played in (("many", column.many), ("few", column.few), ("killed", column.killed)):
            slow = "" if played.in_time else "; on so busy a machine reminders fell due while clients still arrived"
            lines.append(f"end of {name}, {column.name}: {played.ending.said()}{slow}")
    lines.append(
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB; {many} journeys at once,"
        f" {FEW.journeys} spread out, {KILLED.journeys} with a worker killed; {SESSIONS} sessions each, every fifth"
        " client archived before the first."
    )
    return "\n".join(lines)


def _known(count: int | None) -> str:
    return "-" if count is None else str(count)


def _a_second(column: Measured) -> str:
    """A dash where a busy machine was so slow with the outcomes that the charges did not fall due together."""
    played = column.many
    due = [one.due_at for one in played.sessions if one.due_at]
    together = max(due) - min(due) < 2 * _S
    return f"{_settled(played) / played.settling:.1f}" if together else "-"


def _settled(played: Played) -> int:
    return sum(one.paid for one in played.sessions)


def _busy(played: Played) -> float:
    return played.arriving + max(played.marking, 0.0) + played.settling
