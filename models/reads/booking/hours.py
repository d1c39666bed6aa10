"""A therapist's hours, read as a whole."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Protocol
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


# One row each, built by the database: asking table by table takes several times as long, and rows of hours by the
# thousand would become objects only to be read once.
_ALL = text("""
SELECT t.id,
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
FROM therapist t WHERE t.id = ANY(:ids)
""")


async def load_availabilities(
    session: AsyncSession, therapists: Collection[InAZone], *, reasons: bool = False
) -> dict[UUID, Availability]:
    """The availability of each, by id, in one query however many they are."""
    zones = {therapist.id: therapist.time_zone for therapist in therapists}
    connection = await session.connection()
    found = await connection.execute(_ALL, {"ids": list(zones), "reasons": reasons})
    return {
        therapist_id: Availability(
            time_zone=zones[therapist_id],
            weekly=_weekly(weekly or "[]"),
            overrides=tuple(_override(*line) for line in json.loads(overrides)) if overrides else (),
            time_off=tuple(_time_off(session, *line) for line in json.loads(time_off)) if time_off else (),
            closures=_closures(closures or "[]"),
            settings=_settings(settings or "[]"),
        )
        for therapist_id, weekly, overrides, time_off, settings, closures in found
    }


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


def _time_off(session: AsyncSession, starts_at: str, ends_at: str, id: str, reason: str | None) -> slots.TimeOff:
    why = ""
    if reason is not None:
        why = opened_value(session, TimeOffPeriod, "reason", bytes.fromhex(reason), key=(id,))
    return slots.TimeOff(starts_at=_instant(starts_at), ends_at=_instant(ends_at), reason=why)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _kinds(names: Iterable[str]) -> frozenset[AppointmentType]:
    return frozenset(AppointmentType(name) for name in names)
