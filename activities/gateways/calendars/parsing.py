"""A calendar file, read in a program of its own: off the event loop, and ended when it takes too long."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from activities.gateways.calendars.port import CalendarAccount, SourceRefused
from rules.booking.outside import BusySpan, Window
from rules.enums import CalendarTrouble
from rules.local_time import from_micros, to_micros

_ROOT = Path(__file__).parents[3]
_SECONDS = 15.0
_AT_ONCE = asyncio.Semaphore(2)  # of one worker: each takes a whole processor
_TROUBLE = {"not_a_calendar": CalendarTrouble.NOT_A_CALENDAR, "too_much": CalendarTrouble.TOO_LARGE}


async def busy_in_file(
    file: bytes, window: Window, account: CalendarAccount, *, seconds: float = _SECONDS
) -> tuple[BusySpan, ...]:
    """Raises SourceRefused for a file that cannot be read as a whole, or not in time."""
    asked = {
        "from": to_micros(window.starts_at),
        "until": to_micros(window.ends_at),
        "time_zone": account.time_zone,
        "owner": account.owner,
    }
    async with _AT_ONCE:
        told = await _read(json.dumps(asked).encode() + b"\n" + file, seconds)
    if "refused" in told:
        raise SourceRefused(told["refused"], trouble=_TROUBLE[told["because"]])
    return tuple(
        BusySpan(
            starts_at=from_micros(first), ends_at=from_micros(last), event=event, all_day=all_day, tentative=tentative
        )
        for first, last, event, all_day, tentative in told["busy"]
    )


async def _read(said: bytes, seconds: float) -> dict[str, Any]:
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "calendars.outside"),
        cwd=_ROOT,
        env={},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(seconds):
            told, _ = await program.communicate(said)
    except TimeoutError:
        raise SourceRefused("It takes too long to read.", trouble=CalendarTrouble.TOO_SLOW) from None
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    if program.returncode != 0:
        raise SourceRefused("It cannot be read.", trouble=CalendarTrouble.NOT_A_CALENDAR)
    answer: dict[str, Any] = json.loads(told)
    return answer
