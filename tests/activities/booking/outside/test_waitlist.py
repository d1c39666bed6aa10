"""The waitlist and what is busy elsewhere: it is not offered, and what was offered is withdrawn when it turns busy."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import text
from sqlmodel import col, select

from models.tables.booking.outside_calendar import OutsideBusy, OutsideCalendarRow
from models.tables.booking.therapist import Therapist
from rules.booking.outside import digest_of
from rules.enums import CalendarKind, OfferEnd
from tests.care.practice import MONDAY, Practice
from tests.care.waitlist import HOUR, TUESDAY, Waitlist


async def busy_at(practice: Practice, starts_at: datetime) -> None:
    async with practice.sessions() as session:
        therapist = (await session.exec(select(Therapist.id).where(col(Therapist.slug) == "ana"))).one()
        calendar = OutsideCalendarRow(
            id=uuid4(),
            therapist_id=therapist,
            kind=CalendarKind.ICS,
            access={"address": "https://calendar.example/a.ics"},
            made_by="therapist:ana",
            made_at=practice.clock.instant,
        )
        session.add(calendar)
        await session.flush()
        ends: Any = {"starts_at": starts_at, "ends_at": starts_at + HOUR}
        session.add(
            OutsideBusy(id=uuid4(), calendar_id=calendar.id, therapist_id=therapist, event=digest_of("dentist"), **ends)
        )
        await session.commit()


async def test_an_offer_that_turns_busy_is_withdrawn_and_another_is_made(practice: Practice) -> None:
    waitlist = Waitlist(practice)
    await waitlist.opens("ana")
    await waitlist.waiters("Anna", last=6)
    await waitlist.look()
    assert await waitlist.offers() == [("Anna", MONDAY, None)]
    await busy_at(practice, MONDAY)
    await waitlist.look()
    assert await waitlist.offers() == [("Anna", MONDAY, OfferEnd.WITHDRAWN), ("Anna", TUESDAY, None)]
    async with practice.sessions() as session:
        await (await session.connection()).execute(text("DELETE FROM outside_busy"))
        await session.commit()
    await waitlist.look()
    assert (await waitlist.offers())[-1] == ("Anna", TUESDAY, None)
