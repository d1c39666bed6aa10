"""Reading a calendar that a therapist keeps elsewhere: one look, safe to run twice."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.base import Activities
from activities.booking.outside.busy_tasks import see_to_tasks
from activities.booking.outside.channels import Before, put_channel, renewed
from activities.booking.outside.failing import note_failure, note_success
from activities.gateways.calendars.port import (
    BusySpans,
    CalendarAccount,
    Channel,
    NotChanged,
    SourceFailed,
    SourceRefused,
)
from activities.types.events import CalendarLook
from activities.types.keeping import JourneyHears
from models.reads.booking.calendar import horizon_end
from models.reads.booking.hours import load_availability
from models.reads.booking.waitlist import lines_of
from models.tables.booking.outside_calendar import OutsideBusy, OutsideCalendarRow
from models.tables.booking.therapist import Therapist
from models.writes.booking.outside import BusyChange, put_busy
from models.writes.locks import lock_therapist
from rules.booking.calendar_pushes import look_after_push
from rules.booking.outside import MOST_SPANS, Window, next_read, window_at
from rules.enums import CalendarTrouble

log = structlog.get_logger(__name__)
_UNTIL_CONNECTED = timedelta(days=1)
_LONGEST = timedelta(seconds=45)  # that a source may take, whatever it says of itself


@dataclass(frozen=True, kw_only=True)
class _Begun:
    """A look that has begun. ``look`` is its number; ``covers``: what was read last reaches as far as can be booked."""

    account: CalendarAccount
    therapist_id: UUID
    window: Window
    known: Mapping[str, Any] | None = field(repr=False)
    look: int
    channel: Before | None


class CalendarActivities(Activities):
    @activity.defn
    async def read_calendar(self, id: str) -> CalendarLook:
        """Read it, and store what is busy. Where it cannot be read, what was read before stays; after a day of that,
        people are told. One that was taken away is settled, and its row goes."""
        begun = await self._begin(UUID(id))
        if begun is None:
            return await self._settle_end(UUID(id))
        try:
            found = await self._read(begun)
        except SourceFailed as problem:
            log.info("a calendar cannot be read", calendar=id, trouble=problem.trouble.value, because=str(problem))
            return await self._failed(begun, problem.trouble)
        return await self._keep(begun, found, await self._channel(begun, found))

    async def _begin(self, id: UUID) -> _Begun | None:
        now = await self.now()
        async with self.transaction() as session:
            row = await session.get(OutsideCalendarRow, id, with_for_update=True)
            if row is None or row.ended_at is not None:
                return None
            therapist = await session.get_one(Therapist, row.therapist_id)
            availability = await load_availability(session, therapist)
            row.looks += 1
            session.add(row)
            bookable = horizon_end(availability, now=now)
            known = row.known or {}
            reaches = row.covers_until is not None and row.covers_until >= bookable
            holds = reaches and known.get("read_for") == [therapist.time_zone, therapist.email]
            return _Begun(
                account=CalendarAccount(
                    id=str(id),
                    kind=row.kind,
                    access=row.access,
                    time_zone=therapist.time_zone,
                    owner=therapist.email,
                ),
                therapist_id=therapist.id,
                window=window_at(now, horizon_end=bookable),
                known=known.get("source") if holds else None,
                look=row.looks,
                channel=Before.of(row),
            )

    async def _read(self, begun: _Begun) -> NotChanged | BusySpans:
        source = self.deps.calendar_sources.get(begun.account.kind)
        if source is None:
            message = f"this worker reads no calendars of the kind {begun.account.kind.value}"
            raise SourceRefused(message, trouble=CalendarTrouble.NOT_ALLOWED)
        try:
            async with asyncio.timeout(_LONGEST.total_seconds()):
                found = await source.read(begun.account, begun.window, begun.known)
        except TimeoutError:
            message = "the source did not answer in time"
            raise SourceFailed(message, trouble=CalendarTrouble.AWAY) from None
        if isinstance(found, BusySpans) and len(found.spans) > MOST_SPANS:
            message = f"more than {MOST_SPANS} busy times"
            raise SourceRefused(message, trouble=CalendarTrouble.TOO_LARGE)
        return found

    async def _channel(self, begun: _Begun, found: NotChanged | BusySpans) -> Channel | None:
        channels = self.deps.calendar_channels.get(begun.account.kind)
        if channels is None:
            return None
        account = replace(begun.account, access=found.access or begun.account.access)
        return await renewed(channels, account, begun.channel, look=begun.look, now=await self.now())

    async def _keep(self, begun: _Begun, found: NotChanged | BusySpans, channel: Channel | None) -> CalendarLook:
        """Store what was read, under the therapist's lock: whoever books meanwhile sees it, or is seen."""
        async with self.transaction() as session:
            therapist = await lock_therapist(session, begun.therapist_id)
            row = await self._row(session, begun)
            if row is None:
                return await self._look(session, therapist, begun)
            now = await self.now()
            if found.access is not None:
                row.access = dict(found.access)
            if channel is not None:
                put_channel(row, channel)
            news: list[JourneyHears] = []
            lines: tuple[str, ...] = ()
            if isinstance(found, BusySpans):
                read_for = [begun.account.time_zone, begun.account.owner]  # what a file means depends on both
                row.known = {"read_for": read_for, "source": dict(found.known)} if found.known else None
                row.covers_until = begun.window.ends_at
                change = await put_busy(session, row, found.spans)
                news = await see_to_tasks(session, row, change, now=now)
                if change.came or change.gone:
                    lines = await lines_of(session, freed=[therapist.id])
            row.looked_at = row.read_at = now
            await note_success(session, row, at=now)
            session.add(row)
            return await self._look(session, therapist, begun, news=news, lines=lines)

    async def _failed(self, begun: _Begun, trouble: CalendarTrouble) -> CalendarLook:
        async with self.transaction() as session:
            therapist = await lock_therapist(session, begun.therapist_id)
            row = await self._row(session, begun)
            if row is None:
                return await self._look(session, therapist, begun)
            now = await self.now()
            row.looked_at = now
            row.failing_since, row.trouble = row.failing_since or now, trouble
            told = False
            if row.access:  # else nobody has consented yet, and nobody misses anything
                lost = trouble is CalendarTrouble.NOT_CONNECTED
                after = timedelta() if lost else self.deps.policy.calendar_failure_told
                told = await note_failure(session, row, therapist, at=now, told_after=after)
            session.add(row)
            return await self._look(session, therapist, begun, own_mail=told)

    async def _row(self, session: AsyncSession, begun: _Begun) -> OutsideCalendarRow | None:
        """The row, locked; None if another look began later, which counts, or if it was taken away meanwhile."""
        id = UUID(begun.account.id)
        row = await session.get(OutsideCalendarRow, id, with_for_update=True, populate_existing=True)
        return row if row is not None and row.ended_at is None and row.looks == begun.look else None

    async def _look(
        self,
        session: AsyncSession,
        therapist: Therapist,
        begun: _Begun,
        *,
        news: list[JourneyHears] | None = None,
        lines: tuple[str, ...] = (),
        own_mail: bool = False,
    ) -> CalendarLook:
        """How it stands, and when it is looked at again."""
        await session.flush()
        row = await session.get(OutsideCalendarRow, UUID(begun.account.id))
        now: datetime = await self.now()
        if row is None or row.ended_at is not None:
            return CalendarLook(look_at=now, therapist=therapist.slug, kind=begun.account.kind)
        count = select(func.count()).where(col(OutsideBusy.calendar_id) == row.id)
        return CalendarLook(
            look_at=look_after_push(
                next_read(str(row.id), after=now, interval=self._interval(row.trouble)),
                pushed_at=row.pushed_at,
                now=now,
            ),
            therapist=therapist.slug,
            kind=row.kind,
            read_at=row.read_at,
            failing_since=row.failing_since,
            trouble=row.trouble,
            busy=(await session.exec(count)).one(),
            news=tuple(news or ()),
            lines=lines,
            own_mail=own_mail,
            history_limit=self.deps.policy.history_limit,
            time_zone=self.deps.policy.time_zone,
        )

    def _interval(self, trouble: CalendarTrouble | None) -> timedelta:
        """A consent that is missing comes with a signal, and a vendor that has said so need not say it all day."""
        usual = self.deps.policy.calendar_interval
        return max(usual, _UNTIL_CONNECTED) if trouble is CalendarTrouble.NOT_CONNECTED else usual

    async def _settle_end(self, id: UUID) -> CalendarLook:
        """One that was taken away, or never was: what its busy times had caused is settled, and the row goes."""
        now = await self.now()
        async with self.transaction() as session:
            seen = await session.get(OutsideCalendarRow, id)
            if seen is None:
                return CalendarLook()
            therapist = await lock_therapist(session, seen.therapist_id)
            row = await session.get(OutsideCalendarRow, id, with_for_update=True, populate_existing=True)
            if row is None:
                return CalendarLook()
            news = await see_to_tasks(session, row, BusyChange(), now=now)
            await note_success(session, row, at=now)
            await session.delete(row)
            lines = await lines_of(session, freed=[therapist.id])
            return CalendarLook(therapist=therapist.slug, kind=row.kind, news=tuple(news), lines=lines)
