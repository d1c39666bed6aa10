"""What is measured beside time, and how it is told."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from sqlalchemy import text

from bench.figures import now_ms
from local.processes import Process
from local.stack import LocalStack
from local.temporal import Service
from models.database import Sessions

RESULTS = Path(__file__).parents[1] / "results"
DESK = {"Authorization": "Bearer dev-care-team"}
_QUIET = 0.08  # of a core: a worker that waits for work
_LOOK = 2.0  # seconds
_PATIENCE = 40.0  # minutes
_A_FEW = 50  # rows
_AGAIN = 5  # times
_SIZES = "GROWTH_SIZES"


def sizes(usual: Sequence[int]) -> Sequence[int]:
    """The usual ones, or those of the environment."""
    given = os.environ.get(_SIZES)
    return tuple(int(size) for size in given.split(",")) if given else usual


class Report:
    """Lines that are printed at once, and kept in a file at the end, unless the sizes were smaller than usual."""

    def __init__(self, name: str, usual: Sequence[int]) -> None:
        self._name = name
        self._kept = max(sizes(usual)) >= max(usual)
        self._lines = [f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it."]

    def tell(self, line: str) -> None:
        print(line, flush=True)
        self._lines.append(line)

    def keep(self) -> None:
        if self._kept:
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / f"{self._name}.txt").write_text("\n".join([*self._lines, ""]))


class TookTooLong(Exception):
    """Something did not come to an end in its time."""


@asynccontextmanager
async def within(minutes: float, what: str) -> AsyncIterator[None]:
    """What is done inside the block ends in its time. Raises TookTooLong, which says what did not."""
    try:
        async with asyncio.timeout(minutes * 60):
            yield
    except TimeoutError:
        raise TookTooLong(f"{what}: not done after {minutes:.0f} minutes") from None


async def timed(calls: Sequence[Callable[[], Awaitable[httpx.Response]]]) -> list[float]:
    """Milliseconds of each call, one after the other."""
    taken = []
    for call in calls:
        began = now_ms()
        answer = await call()
        for _ in range(_AGAIN):
            if answer.status_code != 503:  # who asked too much of the machine says so, and is asked again
                break
            answer = await call()
        taken.append(now_ms() - began)
        assert answer.is_success, answer.text
    return taken


def memory(process: Process) -> float:
    """Megabytes that are resident."""
    return float(psutil.Process(process.pid).memory_info().rss) / 1e6


async def until_quiet(process: Process) -> None:
    """Until a worker has had next to nothing to do for two looks on end."""
    worker, quiet = psutil.Process(process.pid), 0
    worker.cpu_percent()
    async with within(_PATIENCE, "a worker that was to come to rest"):
        while quiet < 2:
            await asyncio.sleep(_LOOK)
            quiet = quiet + 1 if worker.cpu_percent() / 100 < _QUIET else 0


def engine_bytes(stack: LocalStack) -> int:
    """Of the engine's file, with what has not been written into it yet."""
    file = stack.data_dir / Service.read().database
    return sum(part.stat().st_size for part in file.parent.glob(f"{file.name}*"))


async def database_bytes(sessions: Sessions) -> int:
    return int(await _one(sessions, "SELECT pg_database_size(current_database())"))


@dataclass(frozen=True)
class RowsRead:
    """Rows that the tables have been asked for: in all, and by table from end to end."""

    all: int
    whole: Mapping[str, int]

    def since(self, before: "RowsRead", *, calls: int) -> str:
        """How many of each call; and which tables were read from end to end for it, if they have more than a few."""
        whole = {table: (rows - before.whole[table]) / calls for table, rows in self.whole.items()}
        long = ", ".join(f"{table} {rows:.0f}" for table, rows in sorted(whole.items()) if rows >= _A_FEW)
        told = f"{(self.all - before.all) / calls:.0f} rows read each"
        return f"{told} (from end to end: {long})" if long else told


async def rows_read(sessions: Sessions) -> RowsRead:
    """So far. Told with a delay of a second."""
    await asyncio.sleep(1.5)
    statement = "SELECT relname, seq_tup_read, seq_tup_read + COALESCE(idx_tup_fetch, 0) FROM pg_stat_user_tables"
    async with sessions() as session:
        rows = (await (await session.connection()).execute(text(statement))).all()
    return RowsRead(all=sum(every for _, _, every in rows), whole={table: whole for table, whole, _ in rows})


async def _one(sessions: Sessions, statement: str) -> Any:
    async with sessions() as session:
        return (await (await session.connection()).execute(text(statement))).scalar_one()
