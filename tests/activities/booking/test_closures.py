"""What a closure does to what the steps find by themselves: waitlists, restores, matches; and at one moment."""

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select

from activities.clients.candidates import find_therapist
from activities.types.archive import ArchiveOrder, UnarchiveOrder
from activities.types.booking import Booked
from models.reads.booking.closures import booked_on
from models.tables.booking.appointment import Appointment
from models.tables.booking.closure import Closure
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.writes.booking.closures import close_days, reopen
from rules.accounts.caller import client_caller
from rules.enums import AppointmentStatus, OfferEnd
from rules.refusals import Problem
from tests.care.defaults import weekly_hours
from tests.care.practice import MONDAY, Practice
from tests.care.rows import Rows
from tests.care.waitlist import TUESDAY, Waitlist

WEEK = timedelta(weeks=1)
NEVER: dict[str, Any] = {"minimum_notice": 0}


async def closes(practice: Practice, *days: date) -> list[Closure]:
    async with practice.sessions() as session:
        names = dict.fromkeys(days, "A day off")
        rows = await close_days(session, names, request_id=uuid4(), by="admin:root", at=practice.clock.instant)
        await session.commit()
    return rows


# ---------------------------------------------------------------- waitlists


async def test_nobody_is_offered_a_time_on_it_and_what_was_offered_is_withdrawn(waitlist: Waitlist) -> None:
    await waitlist.waiters("Anna", last=1)
    await waitlist.look()
    assert await waitlist.offers() == [("Anna", MONDAY, None)]
    [closure] = await closes(waitlist.practice, MONDAY.date())
    await waitlist.look()
    assert await waitlist.offers() == [("Anna", MONDAY, OfferEnd.WITHDRAWN), ("Anna", TUESDAY, None)]
    assert await waitlist.held() == [TUESDAY]
    await waitlist.waiters("Berta")
    await waitlist.look()
    assert len(await waitlist.offers()) == 2

    async with waitlist.practice.sessions() as session:
        assert await reopen(session, closure.id)
        assert not await reopen(session, closure.id)
        await session.commit()
    await waitlist.look()
    assert ("Berta", MONDAY, None) in await waitlist.offers()


# ---------------------------------------------------------------- restores


async def test_a_restore_leaves_it_out_and_keeps_the_rhythm_of_the_series(practice: Practice) -> None:
    sara = await practice.client()
    order = replace(practice.booking_order(sara, weeks=3), every=2)
    booked = await practice.booking.book(order)
    assert booked.refusal is None
    _ = await practice.archive.archive_client(ArchiveOrder(client_id=sara, request_id="a", by="x"))
    closed = booked.appointments[1]
    await closes(practice, closed.starts_at.date())
    back = UnarchiveOrder(client_id=sara, request_id="b", by="x", restore=True)
    assert len((await practice.archive.unarchive_client(back)).restored) == 2
    async with practice.sessions() as session:
        facts = (await session.exec(select(Fact).order_by(col(Fact.seq)))).all()
    [lost] = next(fact.data["not_restored"] for fact in facts if "not_restored" in fact.data)
    assert (lost["id"], lost["because"]) == (closed.id, "The practice is closed on this day.")
    async with practice.sessions() as session:
        stand = select(Appointment).where(col(Appointment.status) == AppointmentStatus.SCHEDULED)
        rows = (await session.exec(stand.order_by(col(Appointment.starts_at)))).all()
    assert [(row.week, row.every) for row in rows] == [(0, 2), (4, 2)]


# ---------------------------------------------------------------- matches


async def test_the_earliest_slot_that_decides_a_match_is_on_no_closed_day(practice: Practice) -> None:
    rows, now = Rows(practice.sessions), practice.clock.instant
    for slug, day in (("first", "tue"), ("second", "wed")):
        hours = [line for line in weekly_hours("09:00", "17:00") if line["weekday"] == day]
        await rows.therapist(
            slug,
            weekly=hours,
            settings={"session": NEVER, "intro_call": NEVER},
            licensed_in=["NY"],
            languages=["en"],
            modalities=["individual"],
            created_at=now,
        )

    async def found() -> str | None:
        async with practice.sessions() as session:
            said = {"state": "NY", "modality": "individual", "languages": ["en"]}
            result, _, _ = await find_therapist(session, said, now)
            return result.therapist

    assert await found() == "first"
    await closes(practice, now.date() + timedelta(days=1))  # a Tuesday
    assert await found() == "second"


# ---------------------------------------------------------------- at one moment


@pytest.mark.parametrize("number", range(6))
async def test_a_booking_at_the_same_moment_is_either_counted_or_refused(practice: Practice, number: int) -> None:
    rows = Rows(practice.sessions)
    ana = await rows.therapist("anna", settings={"session": NEVER}, created_at=practice.clock.instant)
    sara = await practice.client(therapist="anna")
    by = client_caller(sara)
    starts_at = datetime.combine((MONDAY + WEEK).date(), MONDAY.time(), MONDAY.tzinfo)
    order = replace(practice.booking_order(sara, starts_at), by=by)

    async def close() -> int:
        async with practice.sessions() as session:
            at = practice.clock.instant
            made = await close_days(session, {starts_at.date(): "x"}, request_id=uuid4(), by="admin:root", at=at)
            counted = await booked_on(session, made, now=at)
            await session.commit()
            return len(counted)

    async def book() -> Booked:
        await asyncio.sleep(0.002 * number)
        return await practice.booking.book(order)

    counted, booked = await asyncio.gather(close(), book())
    if booked.refusal is None:
        assert counted == 1
    else:
        assert (counted, booked.refusal.name) == (0, Problem.SLOT_UNAVAILABLE)
        assert booked.refusal.data["closure"] == {"date": starts_at.date().isoformat(), "name": "x"}
    async with practice.sessions() as session:
        assert (await session.get_one(Client, UUID(order.client_id))).therapist_id == ana.id
