"""A therapist's hours, read as a whole."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from models.sealing import opened_value
from models.tables.booking.therapist import Therapist, TimeOffPeriod
from rules.booking import availability as slots
from rules.booking.availability import Availability
from rules.enums import AppointmentType


async def load_availability(session: AsyncSession, therapist: Therapist, *, reasons: bool = False) -> Availability:
    """When this therapist can be booked, with the practice's closures; settings never saved are the defaults.

    Why they are away is their own matter: it is read only where it is asked for.
    """
    return (await load_availabilities(session, [therapist], reasons=reasons))[therapist.id]


class InAZone(Protocol):
    """A therapist, or the two columns of one that a calendar needs."""

    @property
    def id(self) -> UUID: ...

    @property
    def time_zone(self) -> str: ...


class WrittenHours(NamedTuple):
    """As JSON; None where there are no rows."""

    weekly: str | None
    overrides: str | None
    time_off: str | None
    settings: str | None
    closures: str | None


# In one row, built by the database: asking table by table takes several times as long, and rows of hours by the
# thousand would become objects only to be read once.
WRITTEN_HOURS = """
    (SELECT json_agg(json_build_array(weekday, opens, closes, types) ORDER BY id)::text
     FROM weekly_hours WHERE therapist_id = t.id),
    (SELECT json_agg(json_build_array(day, windows) ORDER BY day)::text
     FROM date_override WHERE therapist_id = t.id),
    (SELECT json_agg(json_build_array(starts_at, ends_at, id, CASE WHEN :reasons THEN encode(reason, 'hex') END)
                     ORDER BY starts_at, number)::text
     FROM time_off WHERE therapist_id = t.id),
    (SELECT json_agg(json_build_array(type, duration, step, buffer_before, buffer_after, minimum_notice, horizon_days,
                                      max_per_day) ORDER BY type)::text
     FROM appointment_settings WHERE therapist_id = t.id),
    (SELECT json_agg(json_build_array(day, name) ORDER BY day)::text FROM closure)
"""
_ALL = text(f"SELECT t.id, {WRITTEN_HOURS} FROM therapist t WHERE t.id = ANY(:ids)")  # noqa: S608 - ours


async def load_availabilities(
    session: AsyncSession, therapists: Collection[InAZone], *, reasons: bool = False
) -> dict[UUID, Availability]:
    """The availability of each, by id, in one query however many they are."""
    zones = {therapist.id: therapist.time_zone for therapist in therapists}
    connection = await session.connection()
    found = await connection.execute(_ALL, {"ids": list(zones), "reasons": reasons})
    return {
        therapist_id: availability_of(zones[therapist_id], WrittenHours(*written), reason=partial(_reason, session))
        for therapist_id, *written in found
    }


def availability_of(
    time_zone: str, written: WrittenHours, *, reason: Callable[[str, str], str] | None = None
) -> Availability:
    """``reason`` opens why somebody is away, by the row's id."""
    time_off = json.loads(written.time_off) if written.time_off else ()
    return Availability(
        time_zone=time_zone,
        weekly=_weekly(written.weekly or "[]"),
        overrides=tuple(_override(*line) for line in json.loads(written.overrides)) if written.overrides else (),
        time_off=tuple(_time_off(reason, *line) for line in time_off),
        closures=_closures(written.closures or "[]"),
        settings=_settings(written.settings or "[]"),
    )


# Read again and again, by many therapists the same, and never changed: each text is read once.
@lru_cache(maxsize=512)
def _weekly(document: str) -> tuple[slots.WeeklyWindow, ...]:
    return tuple(
        slots.WeeklyWindow(weekday=weekday, start=opens, end=closes, types=_kinds(types))
        for weekday, opens, closes, types in json.loads(document)
    )


@lru_cache(maxsize=16)
def _closures(document: str) -> tuple[slots.ClosedDay, ...]:
    return tuple(slots.ClosedDay(day=date.fromisoformat(day), name=name) for day, name in json.loads(document))


@lru_cache(maxsize=512)
def _settings(document: str) -> Mapping[AppointmentType, slots.SlotSettings]:
    saved = {
        AppointmentType(kind): slots.SlotSettings(
            duration=duration,
            step=step,
            buffer_before=buffer_before,
            buffer_after=buffer_after,
            minimum_notice=minimum_notice,
            horizon_days=horizon_days,
            max_per_day=max_per_day,
        )
        for kind, duration, step, buffer_before, buffer_after, minimum_notice, horizon_days, max_per_day in json.loads(
            document
        )
    }
    return MappingProxyType({**slots.DEFAULT_SETTINGS, **saved})


def _override(day: str, windows: list[dict[str, Any]]) -> slots.DateOverride:
    return slots.DateOverride(
        day=date.fromisoformat(day),
        windows=tuple(
            slots.DayWindow(start=window["from"], end=window["to"], types=_kinds(window["types"])) for window in windows
        ),
    )


def _time_off(
    opened: Callable[[str, str], str] | None, starts_at: str, ends_at: str, id: str, reason: str | None
) -> slots.TimeOff:
    why = opened(id, reason) if opened is not None and reason is not None else ""
    return slots.TimeOff(starts_at=_instant(starts_at), ends_at=_instant(ends_at), reason=why)


def _reason(session: AsyncSession, id: str, sealed: str) -> str:
    why: str = opened_value(session, TimeOffPeriod, "reason", bytes.fromhex(sealed), key=(id,))
    return why


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _kinds(names: Iterable[str]) -> frozenset[AppointmentType]:
    return frozenset(AppointmentType(name) for name in names)
