"""The dates that a booking or a move would take: each one checked, so that the answer names every conflict at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.locked import LockedAppointment
from activities.types.booking import BookingOrder, RescheduleOrder
from models.reads.booking.calendar import Around, look_around, named, time_refusal
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.writes.booking.holds import drop_expired_holds
from rules.booking import availability as slots
from rules.booking.availability import Availability
from rules.booking.series import moved_together, weeks_of
from rules.enums import AppointmentType, OnClosure
from rules.refusals import Problem, Refusal


@dataclass(frozen=True, kw_only=True)
class WantedDate:
    """``week`` counts from 0, in weeks of the calendar; the first is held to the grid and the horizon, the others need
    hours."""

    week: int
    starts_at: datetime
    length: timedelta

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + self.length


@dataclass(frozen=True, kw_only=True)
class DatesPlan:
    """Dates that are free, and those that are left out: conflicts with their alternatives.

    ``exceptions`` say which of the free ones only the practice could take, and why.
    """

    free: tuple[WantedDate, ...]
    skipped: tuple[dict[str, Any], ...]
    exceptions: tuple[dict[str, Any], ...]
    refusal: Refusal | None


async def plan_booking(
    session: AsyncSession, client: Client, therapist: Therapist, order: BookingOrder, *, now: datetime
) -> DatesPlan:
    """The dates of one appointment or a series. Therapist and client are locked, so it stays true."""
    await drop_expired_holds(session, therapist_id=therapist.id, now=now)
    weeks = weeks_of(count=order.weeks, every=order.every)
    around = await look_around(
        session,
        therapist,
        client_id=client.id,
        type=order.type,
        starts_at=order.starts_at,
        until=order.starts_at + timedelta(weeks=weeks[-1] + 1),
        hold_id=UUID(order.hold_id) if order.hold_id else None,
        now=now,
    )
    length = timedelta(minutes=around.availability.settings[order.type].duration)
    zone = around.availability.time_zone
    wanted = [
        WantedDate(
            week=week,
            starts_at=slots.week_of_series(first=order.starts_at, week=week, time_zone=zone),
            length=length,
        )
        for week in weeks
    ]
    return _check(
        around,
        wanted,
        type=order.type,
        practice=order.by.is_practice,
        on_closure=order.on_closure,
        skip_conflicts=order.skip_conflicts,
        now=now,
    )


async def plan_move(
    session: AsyncSession, rows: Sequence[LockedAppointment], order: RescheduleOrder, *, now: datetime
) -> DatesPlan:
    """The new dates of one appointment, or of one and all after it; each keeps its length.

    Their own old times are no conflict.
    """
    first, therapist = rows[0].appointment, rows[0].therapist
    starts = moved_together(
        members=[row.member for row in rows], starts_at=order.starts_at, time_zone=therapist.time_zone
    )
    wanted = [
        WantedDate(
            week=row.appointment.week - first.week,
            starts_at=starts_at,
            length=row.appointment.ends_at - row.appointment.starts_at,
        )
        for row, starts_at in zip(rows, starts, strict=True)
    ]
    await drop_expired_holds(session, therapist_id=therapist.id, now=now)
    around = await look_around(
        session,
        therapist,
        client_id=first.client_id,
        type=first.type,
        starts_at=order.starts_at,
        until=starts[-1],
        hold_id=UUID(order.hold_id) if order.hold_id else None,
        now=now,
        moving=[row.appointment.id for row in rows],
    )
    around = _for_the_length(around, first.type, wanted[0].length)
    return _check(
        around,
        wanted,
        type=first.type,
        practice=order.by.is_practice,
        on_closure=OnClosure.ASK,
        skip_conflicts=False,
        # A later week of a series was booked free of the horizon, and is moved free of it.
        needs_horizon=first.starts_at <= now + timedelta(days=around.availability.settings[first.type].horizon_days),
        now=now,
    )


def _for_the_length(around: Around, type: AppointmentType, length: timedelta) -> Around:
    """What is offered instead must be as long as what moves, which may be longer than what is booked nowadays."""
    settings = around.availability.settings
    as_long = replace(settings[type], duration=length // timedelta(minutes=1))
    return replace(around, availability=replace(around.availability, settings={**settings, type: as_long}))


def _check(
    around: Around,
    wanted: Sequence[WantedDate],
    *,
    type: AppointmentType,
    practice: bool,
    on_closure: OnClosure,
    skip_conflicts: bool,
    now: datetime,
    needs_horizon: bool = True,
) -> DatesPlan:
    availability, busy, client_busy = around.availability, around.busy, around.client_busy
    series = len(wanted) > 1
    free: list[WantedDate] = []
    skipped: list[dict[str, Any]] = []
    conflicts: list[dict[str, Any]] = []
    exceptions: list[dict[str, Any]] = []
    problems: list[slots.SlotProblem] = []
    for date in wanted:
        first = date.week == 0
        common: dict[str, Any] = {
            "availability": availability,
            "type": type,
            "starts_at": date.starts_at,
            "ends_at": date.ends_at,
            "busy": busy,
            "now": now,
            "needs_grid": first,
            "needs_horizon": needs_horizon and first,
        }
        whose: dict[str, Any] = {
            "notice_from": around.held_since if first else None,
            "practice": practice,
            "client_busy": client_busy,
        }
        problem = (_closed_in_series(common, whose) if series else None) or slots.check_slot(**common, **whose)
        if problem is None:
            set_aside = slots.rules_set_aside(**common) if practice else []
            if set_aside:
                busy_elsewhere = {"outside_busy": True} if slots.OUTSIDE_BUSY in set_aside else {}
                exceptions.append({**_named(date), "because": " ".join(set_aside), **busy_elsewhere})
            free.append(date)
            # A series' own dates count for the ones after it: its weeks are far apart, its days may be capped.
            busy.append(slots.Busy(type=type, starts_at=date.starts_at, ends_at=date.ends_at))
            continue
        problems.append(problem)
        is_skipped = skip_conflicts or (series and problem.closure is not None and on_closure is OnClosure.SKIP)
        (skipped if is_skipped else conflicts).append(
            {
                **_named(date),
                "because": problem.because,
                **({"closure": named(problem.closure)} if problem.closure is not None else {}),
                "alternatives": _alternatives(
                    around, date, type=type, now=now, that_week=series, needs_horizon=needs_horizon
                ),
            }
        )
    refusal = None
    if conflicts or not free:
        # Nothing but what would be left out is no series either.
        refusal = _refusal(around, wanted, conflicts or skipped, problems, type=type, now=now)
    return DatesPlan(free=tuple(free), skipped=tuple(skipped), exceptions=tuple(exceptions), refusal=refusal)


def _closed_in_series(common: dict[str, Any], whose: dict[str, Any]) -> slots.SlotProblem | None:
    """That the practice is closed on a date of a series, whoever books it: nobody has looked at each of its dates.

    The first date gives the series its hour, so it must be one that could be booked were the practice open.
    """
    availability: Availability = common["availability"]
    closure = slots.closure_of(availability=availability, starts_at=common["starts_at"], ends_at=common["ends_at"])
    if closure is None:
        return None
    if common["needs_grid"]:
        open_then = common | {"availability": replace(availability, closures=())}
        problem = slots.check_slot(**open_then, **whose)
        if problem is not None and problem.kind is slots.SlotProblemKind.UNAVAILABLE:
            return problem
    return slots.closed_then(closure)


def _named(date: WantedDate) -> dict[str, Any]:
    return {"week": date.week + 1, "starts_at": date.starts_at.isoformat()}


def _alternatives(
    around: Around, date: WantedDate, *, type: AppointmentType, now: datetime, that_week: bool, needs_horizon: bool
) -> list[dict[str, str]]:
    """Up to three other times near a wanted one; of a series' date, in the same week of the therapist's."""
    monday, sunday = slots.local_week(instant=date.starts_at, time_zone=around.availability.time_zone)
    others = slots.alternatives(
        availability=around.availability,
        type=type,
        busy=around.busy,
        now=now,
        near=date.starts_at,
        client_busy=around.client_busy,
        needs_horizon=needs_horizon and date.week == 0,
        first_day=monday if that_week else None,
        last_day=sunday if that_week else None,
    )
    return [{"starts_at": slot.starts_at.isoformat(), "ends_at": slot.ends_at.isoformat()} for slot in others]


def _refusal(
    around: Around,
    wanted: Sequence[WantedDate],
    conflicts: list[dict[str, Any]],
    problems: list[slots.SlotProblem],
    *,
    type: AppointmentType,
    now: datetime,
) -> Refusal:
    if len(wanted) == 1:
        refusal = time_refusal(problems[0], around, type=type, near=wanted[0].starts_at, now=now)
        return replace(refusal, data=refusal.data | {"alternatives": conflicts[0]["alternatives"]})
    return Refusal(
        name=Problem.SERIES_CONFLICT,
        detail=f"{len(conflicts)} of {len(wanted)} dates are not free; nothing was changed.",
        data={"conflicts": conflicts},
    )
