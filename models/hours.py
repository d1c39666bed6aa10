"""A therapist's hours in the database: read and written as a whole."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.therapist import AppointmentSettings, DateOverride, Therapist, TimeOffPeriod, WeeklyHours
from rules import availability as slots
from rules.availability import Availability
from rules.words import AppointmentType


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
