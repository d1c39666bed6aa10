"""The dates a booking would take: each one checked, so that the answer names every conflict at once."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.times import look_around
from activities.types import BookingOrder
from models.client import Client
from models.therapist import Therapist
from rules import availability as slots
from rules.booking import (
    slot_refusal,
)
from rules.refusals import Problem, Refusal


@dataclass(frozen=True, kw_only=True)
class DatesPlan:
    """The dates a booking would take: those that are free, and the conflicts with their alternatives."""

    starts: tuple[tuple[int, datetime], ...]  # week and start
    conflicts: tuple[dict[str, Any], ...]
    refusal: Refusal | None
    length: timedelta


async def plan_dates(
    session: AsyncSession, client: Client, therapist: Therapist, order: BookingOrder, *, now: datetime
) -> DatesPlan:
    """Check every date; of a series, all of them, so that the answer lists every conflict at once."""
    around = await look_around(
        session,
        client,
        therapist,
        type=order.type,
        starts_at=order.starts_at,
        until=order.starts_at + timedelta(weeks=order.weeks),
        hold_id=order.hold_id,
        now=now,
    )
    availability, busy, client_busy = around.availability, around.busy, around.client_busy
    length = timedelta(minutes=availability.settings[order.type].duration)
    starts: list[tuple[int, datetime]] = []
    conflicts: list[dict[str, Any]] = []
    problems: list[slots.SlotProblem] = []
    for week in range(order.weeks):
        wanted = slots.week_of_series(first=order.starts_at, week=week, time_zone=availability.time_zone)
        problem = slots.check_slot(
            availability=availability,
            type=order.type,
            starts_at=wanted,
            busy=busy,
            now=now,
            notice_from=around.held_since if week == 0 else None,
            needs_grid=week == 0,
            needs_horizon=week == 0,
            practice=order.by.is_practice,
            client_busy=client_busy,
        )
        if problem is None:
            starts.append((week, wanted))
            # The series' own dates count for the ones after it: its weeks are far apart, its days may be capped.
            busy.append(slots.Busy(type=order.type, starts_at=wanted, ends_at=wanted + length))
            continue
        monday, sunday = slots.local_week(instant=wanted, time_zone=availability.time_zone)
        others = slots.alternatives(
            availability=availability,
            type=order.type,
            busy=busy,
            now=now,
            near=wanted,
            client_busy=client_busy,
            needs_horizon=week == 0,
            first_day=monday if order.weeks > 1 else None,
            last_day=sunday if order.weeks > 1 else None,
        )
        problems.append(problem)
        conflicts.append(
            {
                "week": week + 1,
                "starts_at": wanted.isoformat(),
                "because": problem.because,
                "alternatives": [
                    {"starts_at": slot.starts_at.isoformat(), "ends_at": slot.ends_at.isoformat()} for slot in others
                ],
            }
        )
    return DatesPlan(
        starts=tuple(starts),
        conflicts=tuple(conflicts),
        refusal=_conflict(order, conflicts, problems, any_free=bool(starts)),
        length=length,
    )


def _conflict(
    order: BookingOrder, conflicts: list[dict[str, Any]], problems: list[slots.SlotProblem], *, any_free: bool
) -> Refusal | None:
    if not conflicts or (order.skip_conflicts and any_free):
        return None
    if order.weeks == 1:
        refusal = slot_refusal(
            taken=problems[0].kind is slots.SlotProblemKind.TAKEN,
            because=problems[0].because,
            alternatives=(),
        )
        return replace(refusal, data={"alternatives": conflicts[0]["alternatives"]})
    return Refusal(
        name=Problem.SERIES_CONFLICT,
        detail=f"{len(conflicts)} of {order.weeks} dates are not free; nothing was booked.",
        data={"conflicts": conflicts},
    )
