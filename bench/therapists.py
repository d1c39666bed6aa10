"""Many therapists, all alike enough to be candidates, different enough to be ranked; and the calendar of a busy one."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert
from sqlmodel import SQLModel

from models.database import connect
from models.tables.booking.appointment import Appointment
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.therapist import AppointmentSettings, Therapist, WeeklyHours
from models.tables.clients.client import Client
from rules.enums import AppointmentType, IntroCalls, Mode, Source
from rules.money.terms import Terms
from rules.policy import JourneyPolicy

_CONCERNS = ("anxiety", "grief", "sleep", "burnout", "trauma", "parenting")
_WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
_DAYS = (*_WORKDAYS, "sat", "sun")
_BOTH = ["intro_call", "session"]


Rows = list[dict[str, Any]]


async def add_therapists(url: str, count: int, *, now: datetime, booked: int = 0) -> None:
    """Write ``count`` therapists with weekly hours, ``therapist-0`` and so on; every other one has bookings ahead."""
    therapists: Rows = []
    hours: Rows = []
    clients: Rows = []
    appointments: Rows = []
    tomorrow = now.replace(hour=14, minute=0, second=0, microsecond=0) + timedelta(days=1)
    for number in range(count):
        therapist = _therapist(f"therapist-{number}", now=now) | {
            "concerns": [concern for place, concern in enumerate(_CONCERNS) if (number >> place) & 1],
            "languages": ["en"] if number % 3 else ["en", "es"],
            "insurances": ["Aetna"] if number % 2 else [],
            "caseload_limit": 20 + number % 20,
        }
        therapists.append(therapist)
        opens = 60 * 8 + 15 * (number % 17)
        hours += [_hours(therapist["id"], day, opens, opens + 60 * 8) for day in _WORKDAYS]
        if booked and (number // 2) % 2:
            clients.append(_client(now=now))
            starts = [tomorrow + timedelta(days=n, hours=number % 7) for n in range(booked)]
            appointments += _appointments(therapist["id"], clients[-1]["id"], starts, minutes=50, now=now)
    await _write(
        url,
        (Therapist, therapists),
        (WeeklyHours, hours),
        (Client, clients),
        (Appointment, appointments),
        (OccupiedTime, _occupied(appointments)),
    )


async def add_full_calendar(
    url: str, slug: str, starts: Sequence[datetime], *, minutes: int, step: int, now: datetime
) -> None:
    """Write a therapist who works day and night in UTC, with an intro call of so many minutes at each start."""
    therapist = _therapist(slug, now=now) | {"time_zone": "UTC"}
    client = _client(now=now)
    appointments = _appointments(therapist["id"], client["id"], starts, minutes=minutes, now=now)
    settings = {
        "therapist_id": therapist["id"],
        "duration": minutes,
        "step": step,
        "buffer_before": 0,
        "buffer_after": 0,
        "minimum_notice": 720,
        "horizon_days": 60,
    }
    await _write(
        url,
        (Therapist, [therapist]),
        (WeeklyHours, [_hours(therapist["id"], day, 0, 1440) for day in _DAYS]),
        (AppointmentSettings, [settings | {"type": kind} for kind in AppointmentType]),
        (Client, [client]),
        (Appointment, appointments),
        (OccupiedTime, _occupied(appointments)),
    )


def _therapist(slug: str, *, now: datetime) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "slug": slug,
        "name": slug.replace("-", " ").title(),
        "email": f"{slug}@practice.example",
        "time_zone": "America/New_York",
        "licensed_in": ["NY"],
        "concerns": [],
        "languages": ["en"],
        "modalities": ["individual"],
        "insurances": [],
        "session_fee_amount": 12000,
        "session_fee_currency": "USD",
        "intro_calls": IntroCalls.OPTIONAL,
        "created_at": now,
    }


def _hours(therapist_id: UUID, weekday: str, opens: int, closes: int) -> dict[str, Any]:
    return {"therapist_id": therapist_id, "weekday": weekday, "opens": opens, "closes": closes, "types": _BOTH}


def _client(*, now: datetime) -> dict[str, Any]:
    ref = uuid4().hex[:12]
    return {"id": uuid4(), "ref": ref, "source": Source.DIRECT_BOOKING, "made_by": "bench", "created_at": now}


def _appointments(
    therapist_id: UUID, client_id: UUID, starts: Iterable[datetime], *, minutes: int, now: datetime
) -> Rows:
    terms = Terms.of(JourneyPolicy()).document()
    return [
        {
            "id": uuid4(),
            "client_id": client_id,
            "therapist_id": therapist_id,
            "type": AppointmentType.INTRO_CALL,
            "starts_at": start,
            "ends_at": start + timedelta(minutes=minutes),
            "mode": Mode.PHONE,
            "fee_amount": 0,
            "fee_currency": "USD",
            "booked_by": "bench",
            "booked_at": now,
            "planned_at": now,
            "terms": terms,
            "fee_policy_version": 1,
        }
        for start in starts
    ]


def _occupied(appointments: Rows) -> Rows:
    """The time that they occupy."""
    same = ("id", "client_id", "therapist_id", "type", "starts_at", "ends_at")
    return [
        {name: row[name] for name in same}
        | {"appointment_id": row["id"], "made_by": row["booked_by"], "made_at": row["booked_at"]}
        for row in appointments
    ]


async def _write(url: str, *tables: tuple[type[SQLModel], Rows]) -> None:
    engine = connect(url)
    async with engine.begin() as connection:
        for table, rows in tables:
            if rows:
                await connection.execute(insert(table), rows)
        await connection.exec_driver_sql("ANALYZE")
    await engine.dispose()
