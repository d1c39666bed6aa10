"""Slots are kept between two changes of a calendar, and never beyond one: whatever they depend on, and time itself."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.bounds import kept_slots
from api.bounds.kept_slots import AskedSlots, KeptSlots, SlotsAnswer
from api.routes.booking import slots as route
from models.reads.booking.hours import WrittenHours
from models.reads.booking.written_calendar import WrittenCalendar
from models.tables import OccupiedTime, Therapist
from models.tables.booking.closure import Closure
from models.tables.booking.outside_calendar import OutsideBusy, OutsideCalendarRow
from models.tables.booking.therapist import DateOverrideRow, TimeOffPeriod
from rules.booking.availability import open_slots
from rules.enums import AppointmentType, CalendarKind
from tests.api.booking.calls import TEN, BookingCalls
from tests.api.conftest import StandingClock
from tests.care.rows import NOW, Rows
from tests.statements import statements

Change = Callable[[Rows, Therapist], Awaitable[Any]]
ASKED = {"type": "session", "from": TEN.date().isoformat(), "to": TEN.date().isoformat(), "time_zone": "UTC"}
HOUR = timedelta(hours=1)


@pytest.fixture
def made(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """An item each time that slots are looked for anew; nothing is kept yet."""
    app.state.services.slots._answers.clear()
    seen: list[object] = []

    def counted(**asked: Any) -> Any:
        seen.append(asked)
        return open_slots(**asked)

    monkeypatch.setattr(route, "open_slots", counted)
    return seen


async def _asked(api: httpx.AsyncClient, **more: str) -> bytes:
    answer = await api.get("/v1/therapists/ana/slots", params={**ASKED, **more})
    assert answer.status_code == 200, answer.text
    return answer.content


async def test_one_statement_and_nothing_made_anew(
    api: httpx.AsyncClient, rows: Rows, database: AsyncEngine, made: list[object]
) -> None:
    await rows.therapist()
    first = await _asked(api)
    with statements(database) as asked:
        assert await _asked(api) == first
    assert (len(asked), len(made)) == (1, 1)


async def _books(rows: Rows, ana: Therapist) -> None:
    await rows.appointment(await rows.client(ana), ana, starts_at=TEN, ends_at=TEN + HOUR)


async def _holds(rows: Rows, ana: Therapist) -> None:
    await rows.add(
        OccupiedTime(
            id=uuid4(),
            therapist_id=ana.id,
            type=AppointmentType.SESSION,
            starts_at=TEN,
            ends_at=TEN + HOUR,
            made_by="bench",
            made_at=NOW,
            expires_at=NOW + HOUR,
        )
    )


async def _is_busy_elsewhere(rows: Rows, ana: Therapist) -> None:
    calendar = OutsideCalendarRow(
        id=uuid4(), therapist_id=ana.id, kind=CalendarKind.ICS, access={}, made_by="ana", made_at=NOW
    )
    await rows.add(calendar)
    busy = OutsideBusy(
        id=uuid4(), calendar_id=calendar.id, therapist_id=ana.id, event="e", starts_at=TEN, ends_at=TEN + HOUR
    )
    await rows.add(busy)


async def _is_away(rows: Rows, ana: Therapist) -> None:
    await rows.add(TimeOffPeriod(id=uuid4(), therapist_id=ana.id, starts_at=TEN, ends_at=TEN + HOUR))


async def _has_a_day_off(rows: Rows, ana: Therapist) -> None:
    await rows.add(DateOverrideRow(therapist_id=ana.id, day=TEN.date()))


async def _works_less(rows: Rows, ana: Therapist) -> None:
    await _sets(rows, ana, "UPDATE weekly_hours SET closes = closes - 60 WHERE therapist_id = :ana")


async def _has_longer_sessions(rows: Rows, ana: Therapist) -> None:
    await _sets(rows, ana, "UPDATE appointment_settings SET duration = 90 WHERE therapist_id = :ana")


async def _needs_notice(rows: Rows, ana: Therapist) -> None:
    await _sets(rows, ana, "UPDATE appointment_settings SET minimum_notice = 1620 WHERE therapist_id = :ana")


async def _sets(rows: Rows, ana: Therapist, statement: str) -> None:
    async with rows.sessions() as session:
        await (await session.connection()).execute(text(statement), {"ana": ana.id})
        await session.commit()


async def _practice_is_closed(rows: Rows, _: Therapist) -> None:
    await rows.add(Closure(id=uuid4(), day=TEN.date(), name="A holiday", made_by="owner", made_at=NOW))


async def _moves_to_another_zone(rows: Rows, ana: Therapist) -> None:
    await rows.change(ana, time_zone="America/Los_Angeles")


CHANGES = (
    *(_books, _holds, _is_busy_elsewhere, _is_away, _has_a_day_off, _works_less),
    *(_has_longer_sessions, _needs_notice, _practice_is_closed, _moves_to_another_zone),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
async def test_whatever_changes_the_next_answer_is_another(api: httpx.AsyncClient, rows: Rows, change: Change) -> None:
    ana = await rows.therapist()
    before = await _asked(api)
    await change(rows, ana)
    assert await _asked(api) != before


async def test_what_is_asked_for_is_told_apart(api: httpx.AsyncClient, rows: Rows, made: list[object]) -> None:
    await rows.therapist()
    tomorrow = (TEN.date() + timedelta(days=1)).isoformat()
    others: tuple[dict[str, str], ...] = (
        *({}, {"type": "intro_call"}, {"time_zone": "Asia/Tokyo"}),
        *({"to": tomorrow}, {"from": tomorrow, "to": tomorrow}),
    )
    assert len({await _asked(api, **other) for other in others}) == len(others) == len(made)


async def test_time_alone_makes_another_answer(
    api: httpx.AsyncClient, rows: Rows, app: FastAPI, clock: StandingClock
) -> None:
    """A kept answer is the one that would be made anew, at every moment; on a clock that is set back, too."""
    await rows.therapist()
    horizon = (NOW + timedelta(days=60)).date()
    far = {"from": (horizon - timedelta(days=1)).isoformat(), "to": (horizon + timedelta(days=2)).isoformat()}
    days: tuple[dict[str, str], ...] = ({}, far)
    answers = set()
    for hours in (*range(40), 3, 25):
        clock.time = NOW + hours * HOUR
        told = [await _asked(api, **each) for each in days]
        app.state.services.slots._answers.clear()
        assert told == [await _asked(api, **each) for each in days]
        clock.advance(minutes=20)
        told = [await _asked(api, **each) for each in days]
        kept = app.state.services.slots._answers.copy()
        app.state.services.slots._answers.clear()
        assert told == [await _asked(api, **each) for each in days]
        app.state.services.slots._answers.update(kept)
        answers.update(told)
    assert len(answers) > 20


async def test_a_hold_that_has_ended_is_no_part_of_an_answer(booking: BookingCalls, clock: StandingClock) -> None:
    await booking.rows.therapist()
    before = await _asked(booking.api)
    await booking.hold()
    assert await _asked(booking.api) != before
    clock.advance(minutes=10)
    assert await _asked(booking.api) == before


def test_few_answers_are_kept_and_no_long_ones() -> None:
    kept = KeptSlots()
    hours = WrittenHours(weekly=None, overrides=None, time_off=None, settings=None, closures=None)
    calendar = WrittenCalendar(time_zone="UTC", hours=hours, busy=None)
    days = (TEN.date(), TEN.date())

    def asked(number: int) -> AskedSlots:
        return AskedSlots(calendar=calendar, type=AppointmentType.SESSION, days=days, zone_name=f"zone {number}")

    def answer(size: int) -> SlotsAnswer:
        return SlotsAnswer(body=b"." * size, since=NOW, until=NOW + HOUR)

    for number in range(kept_slots._MOST + 1):
        assert kept.keep(asked(number), answer(1)) == b"."
    assert [kept.answer(asked(number), now=NOW) for number in (0, 1)] == [None, b"."]
    long = kept_slots._LONGEST + 1
    assert kept.keep(asked(-1), answer(long)) == b"." * long
    assert kept.answer(asked(-1), now=NOW) is None
    assert kept.answer(asked(1), now=NOW + HOUR) is kept.answer(asked(1), now=NOW - HOUR) is None
