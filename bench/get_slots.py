"""A week of open slots over HTTP, of a therapist with 500 appointments: one caller, and how it grows to 50.

The API is a program of its own as in production (one process, ``server.py``), beside PostgreSQL; so are the callers,
who ask again as soon as they are answered. Two calendars: 500 appointments up to the horizon, and all 500 in the very
week that is asked for. Beside them, in the same run, a call that reads one row.
"""

import asyncio
import json
import sys
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import psutil

from bench.figures import against, median, p95
from bench.therapists import add_full_calendar
from local.processes import ROOT
from local.stack import LocalStack, Ports

APPOINTMENTS = 500
CALLERS = (1, 5, 10, 20, 50)
SECONDS = 5.0
GOAL_MS = 25.0


async def run() -> None:
    async with await LocalStack.start(ports=Ports.free(), seed=False, workers=0) as stack:
        now = await stack.clock.now()
        monday = now.date() + timedelta(days=7 - now.weekday())
        calendars = {
            "spread over 60 days": await _add(
                stack, "spread", monday, apart=timedelta(days=55) / APPOINTMENTS, now=now
            ),
            "all in that week": await _add(stack, "dense", monday, apart=timedelta(minutes=20), now=now),
        }
        print(f"A week of slots, {APPOINTMENTS} appointments on the calendar, over HTTP")
        await _ask(stack, "/v1/therapists/spread", callers=1, seconds=1)  # warm
        one_row = await _ask(stack, "/v1/therapists/spread", callers=1, seconds=2)
        print(f"  one therapist read, 1 caller: median {median(one_row['times']):.1f} ms")
        for name, path in calendars.items():
            await _grow(stack, name, path)


async def _add(stack: LocalStack, slug: str, monday: date, *, apart: timedelta, now: datetime) -> str:
    """Write the calendar; the path that asks for its week."""
    first = datetime(monday.year, monday.month, monday.day, tzinfo=now.tzinfo)
    starts = [first + n * (apart - apart % timedelta(minutes=10)) for n in range(APPOINTMENTS)]
    await add_full_calendar(stack.database_url, slug, starts, minutes=10, step=10, now=now)
    query = {"type": "intro_call", "from": monday, "to": monday + timedelta(days=6), "time_zone": "America/New_York"}
    return f"/v1/therapists/{slug}/slots?{urlencode(query)}"


async def _grow(stack: LocalStack, name: str, path: str) -> None:
    print(f"  {name}:")
    await _ask(stack, path, callers=1, seconds=2)  # warm
    for callers in CALLERS:
        worked = _worked(stack)
        seen = await _ask(stack, path, callers=callers)
        times = seen["times"]
        each = (_worked(stack) - worked) * 1000 / len(times)
        if callers == 1:
            slots = sum(len(day["slots"]) for day in json.loads(seen["answer"])["days"])
            print(f"    {slots} open slots, {len(seen['answer'])} bytes")
        print(
            f"    {callers:3} callers: median {median(times):7.1f} ms, p95 {p95(times):7.1f} ms,"
            f" {seen['per_second']:6.1f} answers a second, {each:5.1f} ms of the API's processor each"
            f" (the callers' process: {seen['client_busy']:.0%} busy)"
        )
        if callers == 1:
            print("  " + against(f"p95 under {GOAL_MS:.0f} ms at one caller", met=p95(times) < GOAL_MS))


def _worked(stack: LocalStack) -> float:
    """Seconds of processor time that the API's process has used."""
    assert stack.api is not None
    used = psutil.Process(stack.api.pid).cpu_times()
    return float(used.user + used.system)


async def _ask(stack: LocalStack, path: str, *, callers: int, seconds: float = SECONDS) -> dict[str, Any]:
    arguments = ["127.0.0.1", str(stack.ports.api), path, "--callers", str(callers), "--seconds", str(seconds)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.callers", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, "the callers' process failed"
    seen: dict[str, Any] = json.loads(output)
    assert seen["statuses"] == [200], f"answers of {path}: {seen['statuses']}"
    assert seen["answers"] == 1, f"{path} was not answered the same to everybody"
    return seen
