"""A therapist's calendar in the database: hours read and written as a whole, busy time, and holds.

Whoever writes occupied time locks the therapist's row first: what was read then stays true.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.locks import lock_therapist
from models.occupied_time import OccupiedTime
from models.therapist import AppointmentSettings, DateOverride, Therapist, TimeOffPeriod, WeeklyHours
from rules import availability as slots
from rules.availability import Availability, Busy
from rules.booking import slot_refusal
from rules.people import Caller
from rules.refusals import Problem, Refusal
from rules.words import AppointmentType, Role

MOST_HOLDS_OF_A_PERSON = 5
MOST_HOLDS_OF_A_PROGRAM = 200
_DAY = timedelta(days=1)

# ---------------------------------------------------------------- hours


async def load_availability(session: AsyncSession, therapist: Therapist) -> Availability:
    """When this therapist can be booked; settings never saved are the defaults."""
    return (await load_availabilities(session, [therapist]))[therapist.id]


class InAZone(Protocol):
    """A therapist, or the two columns of one that a calendar needs."""

    @property
    def id(self) -> UUID: ...

    @property
    def time_zone(self) -> str: ...


def _columns(table: type[SQLModel]) -> list[Any]:
    """A table's columns: plain rows, where objects that could be changed would only cost time."""
    return list(table.__table__.c)  # type: ignore[attr-defined]


async def load_availabilities(session: AsyncSession, therapists: Collection[InAZone]) -> dict[UUID, Availability]:
    """The availability of each, by id, in four queries however many they are."""
    ids = [therapist.id for therapist in therapists]
    weekly: dict[UUID, list[slots.WeeklyWindow]] = defaultdict(list)
    of_many = select(*_columns(WeeklyHours)).where(col(WeeklyHours.therapist_id).in_(ids))
    for hours in await session.exec(of_many.order_by(col(WeeklyHours.id))):
        weekly[hours.therapist_id].append(
            slots.WeeklyWindow(weekday=hours.weekday, start=hours.opens, end=hours.closes, types=_kinds(hours.types))
        )
    overrides: dict[UUID, list[slots.DateOverride]] = defaultdict(list)
    dated = select(DateOverride).where(col(DateOverride.therapist_id).in_(ids)).order_by(col(DateOverride.day))
    for override in await session.exec(dated):
        windows = tuple(
            slots.DayWindow(start=line["from"], end=line["to"], types=_kinds(line["types"]))
            for line in override.windows
        )
        overrides[override.therapist_id].append(slots.DateOverride(day=override.day, windows=windows))
    time_off: dict[UUID, list[slots.TimeOff]] = defaultdict(list)
    away = select(TimeOffPeriod).where(col(TimeOffPeriod.therapist_id).in_(ids))
    for period in await session.exec(away.order_by(col(TimeOffPeriod.starts_at), col(TimeOffPeriod.id))):
        time_off[period.therapist_id].append(
            slots.TimeOff(starts_at=period.starts_at, ends_at=period.ends_at, reason=period.reason)
        )
    settings: dict[UUID, dict[AppointmentType, slots.SlotSettings]] = defaultdict(dict)
    each = select(*_columns(AppointmentSettings)).where(col(AppointmentSettings.therapist_id).in_(ids))
    for line in await session.exec(each):
        settings[line.therapist_id][line.type] = slots.SlotSettings(
            duration=line.duration,
            step=line.step,
            buffer_before=line.buffer_before,
            buffer_after=line.buffer_after,
            minimum_notice=line.minimum_notice,
            horizon_days=line.horizon_days,
            max_per_day=line.max_per_day,
        )
    return {
        therapist.id: Availability(
            time_zone=therapist.time_zone,
            weekly=tuple(weekly[therapist.id]),
            overrides=tuple(overrides[therapist.id]),
            time_off=tuple(time_off[therapist.id]),
            settings={**slots.DEFAULT_SETTINGS, **settings[therapist.id]},
        )
        for therapist in therapists
    }


async def save_availability(session: AsyncSession, therapist: Therapist, availability: Availability) -> None:
    """Replace hours, overrides, time off and settings as a whole. Windows that offer nothing are not kept."""
    for table in (WeeklyHours, DateOverride, TimeOffPeriod, AppointmentSettings):
        await session.exec(delete(table).where(col(table.therapist_id) == therapist.id))
    for window in availability.weekly:
        if window.start < window.end:
            session.add(
                WeeklyHours(
                    therapist_id=therapist.id,
                    weekday=window.weekday,
                    opens=window.start,
                    closes=window.end,
                    types=_names(window.types),
                )
            )
    for override in availability.overrides:
        windows = [
            {"from": window.start, "to": window.end, "types": _names(window.types)}
            for window in override.windows
            if window.start < window.end
        ]
        session.add(DateOverride(therapist_id=therapist.id, day=override.day, windows=windows))
    for off in availability.time_off:
        session.add(
            TimeOffPeriod(therapist_id=therapist.id, starts_at=off.starts_at, ends_at=off.ends_at, reason=off.reason)
        )
    for kind, setting in availability.settings.items():
        session.add(
            AppointmentSettings(
                therapist_id=therapist.id,
                type=kind,
                duration=setting.duration,
                step=setting.step,
                buffer_before=setting.buffer_before,
                buffer_after=setting.buffer_after,
                minimum_notice=setting.minimum_notice,
                horizon_days=setting.horizon_days,
                max_per_day=setting.max_per_day,
            )
        )
    await session.flush()


def _kinds(names: Iterable[str]) -> frozenset[AppointmentType]:
    return frozenset(AppointmentType(name) for name in names)


def _names(kinds: Collection[AppointmentType]) -> list[str]:
    return [kind.value for kind in AppointmentType if kind in kinds]


# ---------------------------------------------------------------- busy time


def busy_margin(availability: Availability) -> timedelta:
    """How far around a stretch of wanted starts busy time still matters: length, buffers, the day's cap."""
    settings = availability.settings.values()
    longest = max(setting.duration for setting in settings)
    widest = max(max(setting.buffer_before, setting.buffer_after) for setting in settings)
    return timedelta(minutes=longest + widest) + 2 * _DAY


def horizon_end(availability: Availability, *, now: datetime) -> datetime:
    """The last instant for which anything may be booked by the client side."""
    return now + timedelta(days=max(setting.horizon_days for setting in availability.settings.values()))


async def load_busy(
    session: AsyncSession,
    *,
    therapist_id: UUID,
    starts_before: datetime,
    ends_after: datetime,
    now: datetime,
    leave_out: Collection[UUID] = (),
) -> list[Busy]:
    """A therapist's appointments and live holds that touch the stretch, in order.

    ``leave_out`` names holds being presented and appointments being moved. Make the stretch wider than what
    is wanted by ``busy_margin`` on both sides.
    """
    whose = col(OccupiedTime.therapist_id) == therapist_id
    return await _busy(
        session,
        whose=whose,
        starts_before=starts_before,
        ends_after=ends_after,
        now=now,
        leave_out=leave_out,
    )


async def load_busy_of_many(
    session: AsyncSession,
    *,
    therapist_ids: Collection[UUID],
    starts_before: datetime,
    ends_after: datetime,
    now: datetime,
) -> dict[UUID, list[Busy]]:
    """`load_busy` for several therapists at once, by id; an empty list for who has nothing."""
    statement = select(OccupiedTime).where(
        col(OccupiedTime.therapist_id).in_(therapist_ids),
        col(OccupiedTime.starts_at) < starts_before,
        col(OccupiedTime.ends_at) > ends_after,
        or_(col(OccupiedTime.expires_at).is_(None), col(OccupiedTime.expires_at) > now),
    )
    busy: dict[UUID, list[Busy]] = {therapist_id: [] for therapist_id in therapist_ids}
    for row in await session.exec(statement.order_by(col(OccupiedTime.starts_at))):
        busy[row.therapist_id].append(Busy(id=str(row.id), type=row.type, starts_at=row.starts_at, ends_at=row.ends_at))
    return busy


async def load_client_busy(
    session: AsyncSession,
    *,
    client_id: UUID,
    starts_before: datetime,
    ends_after: datetime,
    now: datetime,
    leave_out: Collection[UUID] = (),
) -> list[Busy]:
    """What a client has in that stretch, with whomever."""
    whose = col(OccupiedTime.client_id) == client_id
    return await _busy(
        session,
        whose=whose,
        starts_before=starts_before,
        ends_after=ends_after,
        now=now,
        leave_out=leave_out,
    )


async def _busy(
    session: AsyncSession,
    *,
    whose: ColumnElement[bool],
    starts_before: datetime,
    ends_after: datetime,
    now: datetime,
    leave_out: Collection[UUID],
) -> list[Busy]:
    statement = (
        select(OccupiedTime)
        .where(
            whose,
            col(OccupiedTime.starts_at) < starts_before,
            col(OccupiedTime.ends_at) > ends_after,
            or_(col(OccupiedTime.expires_at).is_(None), col(OccupiedTime.expires_at) > now),
        )
        .order_by(col(OccupiedTime.starts_at))
    )
    if leave_out:
        statement = statement.where(col(OccupiedTime.id).not_in(leave_out))
    return [
        Busy(id=str(row.id), type=row.type, starts_at=row.starts_at, ends_at=row.ends_at)
        for row in await session.exec(statement)
    ]


async def booked_outside_hours(
    session: AsyncSession, therapist: Therapist, availability: Availability, *, now: datetime
) -> list[UUID]:
    """The ids of appointments still ahead that these hours would not offer, in the order of time."""
    statement = select(OccupiedTime).where(
        col(OccupiedTime.therapist_id) == therapist.id,
        col(OccupiedTime.appointment_id).is_not(None),
        col(OccupiedTime.starts_at) > now,
    )
    ahead = [
        Busy(id=str(row.id), type=row.type, starts_at=row.starts_at, ends_at=row.ends_at)
        for row in await session.exec(statement.order_by(col(OccupiedTime.starts_at)))
    ]
    outside = slots.outside_hours(availability=availability, appointments=ahead)
    return [UUID(appointment.id) for appointment in outside if appointment.id]


# ---------------------------------------------------------------- holds


async def drop_expired_holds(session: AsyncSession, *, therapist_id: UUID, now: datetime) -> None:
    """Delete this therapist's holds whose time is over, so that the constraint no longer sees them."""
    await session.exec(
        delete(OccupiedTime).where(col(OccupiedTime.therapist_id) == therapist_id, col(OccupiedTime.expires_at) <= now)
    )


async def live_hold(
    session: AsyncSession,
    *,
    hold_id: UUID,
    therapist_id: UUID,
    type: AppointmentType,
    starts_at: datetime,
    now: datetime,
) -> OccupiedTime | None:
    """The hold of that id, if it is live and holds exactly this time; whoever presents the id owns it."""
    hold = await session.get(OccupiedTime, hold_id)
    if hold is None or hold.expires_at is None or hold.expires_at <= now:
        return None
    same = (hold.therapist_id, hold.type, hold.starts_at) == (therapist_id, type, starts_at)
    return hold if same else None


async def put_hold(
    session: AsyncSession,
    *,
    hold_id: UUID,
    slug: str,
    type: AppointmentType,
    starts_at: datetime,
    by: Caller,
    now: datetime,
    hold_ttl: timedelta,
) -> OccupiedTime | Refusal | None:
    """Hold a time for ``hold_ttl``: the hold, why it cannot be, or None for an unknown therapist.

    Locks the therapist. The same ``hold_id`` again is the same hold. The caller commits.
    """
    found = (await session.exec(select(Therapist.id).where(col(Therapist.slug) == slug))).first()
    if found is None:
        return None
    therapist = await lock_therapist(session, found)
    await drop_expired_holds(session, therapist_id=therapist.id, now=now)
    known = await session.get(OccupiedTime, hold_id)
    if known is not None:
        return known
    refusal = await _refuse_more_holds(session, by=by, now=now)
    if refusal is not None:
        return refusal
    refusal, ends_at = await _refuse_slot(session, therapist, type=type, starts_at=starts_at, by=by, now=now)
    if refusal is not None:
        return refusal
    hold = OccupiedTime(
        id=hold_id,
        therapist_id=therapist.id,
        type=type,
        starts_at=starts_at,
        ends_at=ends_at,
        made_by=by.actor,
        made_at=now,
        expires_at=now + hold_ttl,
    )
    session.add(hold)
    await session.flush()
    return hold


async def _refuse_more_holds(session: AsyncSession, *, by: Caller, now: datetime) -> Refusal | None:
    live = (col(OccupiedTime.made_by) == by.actor, col(OccupiedTime.expires_at) > now)
    statement = select(func.count(), func.min(OccupiedTime.expires_at)).where(*live)
    number, next_end = (await session.exec(statement)).one()
    most = MOST_HOLDS_OF_A_PERSON if by.role is Role.CLIENT else MOST_HOLDS_OF_A_PROGRAM
    if number < most or next_end is None:
        return None
    return Refusal(
        name=Problem.RATE_LIMITED,
        detail=f"At most {most} times can be held at once. Book or release one of them first.",
        data={"retry_after": max(1, round((next_end - now).total_seconds()))},
    )


async def _refuse_slot(
    session: AsyncSession,
    therapist: Therapist,
    *,
    type: AppointmentType,
    starts_at: datetime,
    by: Caller,
    now: datetime,
) -> tuple[Refusal | None, datetime]:
    availability = await load_availability(session, therapist)
    ends_at = starts_at + timedelta(minutes=availability.settings[type].duration)
    margin = busy_margin(availability)
    starts_before = max(horizon_end(availability, now=now), ends_at) + margin
    busy = await load_busy(
        session, therapist_id=therapist.id, starts_before=starts_before, ends_after=now - margin, now=now
    )
    client_busy: list[Busy] = []
    if by.client_id is not None:
        client_busy = await load_client_busy(
            session,
            client_id=UUID(by.client_id),
            starts_before=starts_before,
            ends_after=now - margin,
            now=now,
        )
    problem = slots.check_slot(
        availability=availability,
        type=type,
        starts_at=starts_at,
        busy=busy,
        now=now,
        practice=by.is_practice,
        client_busy=client_busy,
    )
    if problem is None:
        return None, ends_at
    others = slots.alternatives(
        availability=availability, type=type, busy=busy, now=now, near=starts_at, client_busy=client_busy
    )
    refusal = slot_refusal(
        taken=problem.kind is slots.SlotProblemKind.TAKEN,
        because=problem.because,
        alternatives=[(slot.starts_at, slot.ends_at) for slot in others],
    )
    return refusal, ends_at
