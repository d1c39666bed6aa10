"""What is measured beside time, and how it is told."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
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
_PATIENCE = 1200.0  # seconds
_SIZES = "GROWTH_SIZES"


def sizes(usual: Sequence[int]) -> Sequence[int]:
    """The usual ones, or those of the environment."""
    given = os.environ.get(_SIZES)
    return tuple(int(size) for size in given.split(",")) if given else usual


class Report:
    """Lines that are printed at once, and kept in a file at the end."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines = [f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it."]

    def tell(self, line: str) -> None:
        print(line, flush=True)
        self._lines.append(line)

    def keep(self) -> None:
        if _SIZES not in os.environ:
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / f"{self._name}.txt").write_text("\n".join([*self._lines, ""]))


async def timed(calls: Sequence[Callable[[], Awaitable[httpx.Response]]]) -> list[float]:
    """Milliseconds of each call, one after the other."""
    taken = []
    for call in calls:
        began = now_ms()
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
    async with asyncio.timeout(_PATIENCE):
        while quiet < 2:
            await asyncio.sleep(_LOOK)
            quiet = quiet + 1 if worker.cpu_percent() / 100 < _QUIET else 0


def engine_bytes(stack: LocalStack) -> int:
    """Of the engine's file, with what has not been written into it yet."""
    file = stack.data_dir / Service.read().database
    return sum(part.stat().st_size for part in file.parent.glob(f"{file.name}*"))


async def database_bytes(sessions: Sessions) -> int:
    return int(await _one(sessions, "SELECT pg_database_size(current_database())"))


async def rows_read(sessions: Sessions) -> int:
    """Rows that the tables have been asked for so far, by an index or without. Told with a delay of a second."""
    await asyncio.sleep(1.5)
    return int(await _one(sessions, "SELECT sum(seq_tup_read + COALESCE(idx_tup_fetch, 0)) FROM pg_stat_user_tables"))


async def _one(sessions: Sessions, statement: str) -> Any:
    async with sessions() as session:
        return (await (await session.connection()).execute(text(statement))).scalar_one()
