"""A calendar that a therapist keeps elsewhere: what is in it, a test says."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI
from sqlmodel import col, select
from starlette.responses import Response

from activities.booking.outside.reading import CalendarActivities
from activities.gateways.calendars.port import BusySpans, CalendarAccount, NotChanged, SourceFailed
from activities.types.booking import Booked, BookingOrder
from activities.types.events import CalendarLook
from models.tables.booking.outside_calendar import OutsideBusy, OutsideCalendarRow
from models.tables.care.notification import Notification
from models.tables.clients.task import Task
from models.writes.booking.outside import add_calendar, end_calendar
from models.writes.locks import lock_therapist
from rules.accounts.caller import Caller
from rules.booking.outside import BusySpan, Window, digest_of
from rules.enums import AppointmentType, CalendarKind, IntroCalls, Mode, Role
from tests.care.defaults import weekly_hours
from tests.care.practice import FEE, MONDAY, Practice
from tests.care.rows import Rows

HOUR = timedelta(hours=1)


def busy(starts_at: datetime = MONDAY, *, hours: float = 1, event: str = "dentist", all_day: bool = False) -> BusySpan:
    return BusySpan(starts_at=starts_at, ends_at=starts_at + hours * HOUR, event=digest_of(event), all_day=all_day)


class Source:
    """Tells what ``spans`` there are, or fails with ``trouble``; ``asked`` has what it was asked with."""

    def __init__(self) -> None:
        self.spans: Sequence[BusySpan] = ()
        self.trouble: SourceFailed | None = None
        self.changed = True
        self.asked: list[tuple[CalendarAccount, Window, Mapping[str, Any] | None]] = []

    async def read(
        self, account: CalendarAccount, window: Window, known: Mapping[str, Any] | None
    ) -> NotChanged | BusySpans:
        self.asked.append((account, window, known))
        if self.trouble is not None:
            raise self.trouble
        if known is not None and not self.changed:
            return NotChanged()
        return BusySpans(spans=tuple(self.spans), known={"etag": str(len(self.asked))})


class Elsewhere:
    """Ben, who works at all hours and has one calendar elsewhere; and whom the client side can book."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        self.source = Source()
        deps = replace(practice.booking.deps, calendar_sources={CalendarKind.ICS: self.source})
        self.steps = CalendarActivities(deps)
        self.therapist: UUID = uuid4()
        self.id: UUID = uuid4()

    async def opens(self) -> None:
        rows, now = Rows(self.practice.sessions), self.practice.clock.instant
        ben = await rows.therapist(
            "ben", weekly=weekly_hours(), session_fee_amount=FEE, intro_calls=IntroCalls.OFF, created_at=now
        )
        self.therapist = ben.id
        async with self.practice.sessions() as session:
            row = add_calendar(
                session,
                id=self.id,
                therapist_id=ben.id,
                kind=CalendarKind.ICS,
                label="At home",
                access={"address": "https://calendar.example/private/basic.ics"},
                by="therapist:ben",
                at=now,
            )
            session.add(row)
            await session.commit()

    async def reads(self, *spans: BusySpan) -> CalendarLook:
        self.source.spans = spans
        return await self.steps.read_calendar(str(self.id))

    async def is_taken_away(self) -> None:
        async with self.practice.sessions() as session:
            await lock_therapist(session, self.therapist)
            row = await session.get_one(OutsideCalendarRow, self.id)
            await end_calendar(session, row, at=self.practice.clock.instant)
            await session.commit()

    # ------------------------------------------------------------ booking

    async def client(self, name: str = "Sara") -> str:
        return await self.practice.client(therapist="ben", name=name)

    def order(
        self, client: str, starts_at: datetime = MONDAY, *, by: Caller | None = None, weeks: int = 1
    ) -> BookingOrder:
        """By the client, unless the practice does."""
        return BookingOrder(
            request_id=str(uuid4()),
            client_id=client,
            by=by or Caller(role=Role.CLIENT, name=client, client_id=client),
            type=AppointmentType.SESSION,
            starts_at=starts_at,
            mode=Mode.PHONE,
            weeks=weeks,
        )

    async def books(self, client: str, starts_at: datetime = MONDAY, *, by: Caller | None = None) -> Booked:
        return await self.practice.booking.book(self.order(client, starts_at, by=by))

    # ------------------------------------------------------------ looking

    async def row(self) -> OutsideCalendarRow | None:
        async with self.practice.sessions() as session:
            return await session.get(OutsideCalendarRow, self.id)

    async def known(self) -> list[tuple[datetime, datetime]]:
        async with self.practice.sessions() as session:
            statement = select(OutsideBusy.starts_at, OutsideBusy.ends_at).order_by(col(OutsideBusy.starts_at))
            return [(first, last) for first, last in await session.exec(statement)]

    async def tasks(self, *, open_ones: bool = True) -> list[Task]:
        async with self.practice.sessions() as session:
            statement = select(Task).order_by(col(Task.opened_at))
            found = (await session.exec(statement)).all()
            return [task for task in found if not open_ones or task.resolved_at is None]

    async def feed(self) -> list[str]:
        async with self.practice.sessions() as session:
            statement = select(Notification.kind).where(col(Notification.therapist_id) == self.therapist)
            return list((await session.exec(statement.order_by(col(Notification.at)))).all())


class CalendarFile:
    """At ``url``: a file with these events, or an answer ``says`` instead."""

    def __init__(self) -> None:
        self.events: list[tuple[datetime, datetime]] = []
        self.says: int | None = None
        self.asked = 0
        self.url = ""
        self.app = FastAPI()
        self.app.add_api_route("/private-4f0c/basic.ics", self.file)

    async def file(self) -> Response:
        self.asked += 1
        if self.says is not None:
            return Response("no", self.says)
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0"]
        for number, (first, last) in enumerate(self.events):
            lines += ["BEGIN:VEVENT", f"UID:{number}", "SUMMARY:My divorce lawyer"]
            lines += [f"DTSTART:{first:%Y%m%dT%H%M%SZ}", f"DTEND:{last:%Y%m%dT%H%M%SZ}", "END:VEVENT"]
        return Response("\r\n".join([*lines, "END:VCALENDAR"]), media_type="text/calendar")
