"""A booking is made while a busy time arrives: refused with other times, or made and a task. Never anything between."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from sqlalchemy import text

from activities.types.booking import Booked
from models.writes.locks import lock_therapist
from rules.enums import TaskKind
from rules.refusals import Problem
from tests.activities.booking.test_times_at_once import in_line
from tests.care.outside.elsewhere import Elsewhere, busy
from tests.care.practice import MONDAY


async def one_end(elsewhere: Elsewhere, booked: Booked) -> str:
    """How it ended; everything there is must say the same."""
    tasks = await elsewhere.tasks()
    assert len(await elsewhere.known()) == 1
    if booked.refusal is not None:
        assert booked.refusal.name is Problem.SLOT_TAKEN
        assert len(booked.refusal.data["alternatives"]) == 3
        assert tasks == []
        return "refused"
    (task,) = tasks
    assert task.kind is TaskKind.BOOKED_TIME_BUSY
    assert task.data["appointment_id"] == booked.appointments[0].id
    assert (await elsewhere.feed()).count("booked_time_busy") == 1
    return "made, and a task"


async def _both(elsewhere: Elsewhere, *, first: str) -> tuple[str, Booked]:
    """Both wait for the therapist, whom somebody else has locked, in this order."""
    sara = await elsewhere.client()
    steps: dict[str, Awaitable[Any]] = {"booking": elsewhere.books(sara), "reading": elsewhere.reads(busy())}
    order = [first, *(name for name in steps if name != first)]
    async with elsewhere.practice.sessions() as session:
        await lock_therapist(session, elsewhere.therapist)
        tasks = await in_line(elsewhere.practice, *(steps[name] for name in order))
        await session.rollback()
    await asyncio.gather(*tasks)
    booked = tasks[order.index("booking")].result()
    return await one_end(elsewhere, booked), booked


async def test_a_booking_that_comes_first_is_made_and_then_a_task(elsewhere: Elsewhere) -> None:
    end, _ = await _both(elsewhere, first="booking")
    assert end == "made, and a task"


async def test_a_booking_that_comes_second_is_refused(elsewhere: Elsewhere) -> None:
    end, _ = await _both(elsewhere, first="reading")
    assert end == "refused"


@pytest.mark.parametrize("delay", [0.0, 0.002, 0.005, 0.01, 0.02])
async def test_whoever_is_faster_there_is_one_end(elsewhere: Elsewhere, delay: float) -> None:
    """Not lined up by anybody: thirty at once, a fifth of them at each delay."""
    for number in range(6):
        sara = await elsewhere.client(f"Sara{number}")
        start = MONDAY.replace(hour=number)

        async def late(what: Awaitable[Any], by: float) -> Any:
            await asyncio.sleep(by)
            return await what

        both = (late(elsewhere.books(sara, start), delay), late(elsewhere.reads(busy(start)), 0.01 - delay / 2))
        booked, _ = await asyncio.gather(*both)
        await one_end(elsewhere, booked)
        await elsewhere.reads()
        assert await elsewhere.tasks() == []
        async with elsewhere.practice.sessions() as session:
            await (await session.connection()).execute(text("DELETE FROM notification"))
            await session.commit()
