"""Everybody who could be a client's therapist, as one JSON document, from which a match is made and replayed; and their
earliest open slots."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Text, any_, literal, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.booking.calendar import busy_margin, horizon_end, load_busy_of_many
from models.reads.booking.hours import load_availabilities
from models.tables.booking.therapist import Therapist
from rules.booking.availability import earliest_slot
from rules.enums import AppointmentType, IntroCalls

# One row, built by the database: thousands of hours and lists would otherwise become objects first, and JSON again.
# Lists are text in it: most therapists' are like another's, and then need not be read at all.
_ALL = text("""
SELECT coalesce(json_agg(json_build_object(
    'slug', t.slug,
    'name', t.name,
    'accepting_clients', t.accepting_clients,
    'gender', t.gender,
    'intro_calls', t.intro_calls,
    'caseload_limit', t.caseload_limit,
    'active_clients', coalesce(caseload.clients, 0),
    'licensed_in', to_json(t.licensed_in)::text,
    'concerns', to_json(t.concerns)::text,
    'languages', to_json(t.languages)::text,
    'modalities', to_json(t.modalities)::text,
    'insurances', to_json(t.insurances)::text,
    'weekly', coalesce(hours.windows, '[]')
) ORDER BY t.slug), '[]'::json)::text
FROM therapist t
LEFT JOIN (
    SELECT therapist_id, json_agg(json_build_array(weekday, opens, closes, types) ORDER BY id)::text AS windows
    FROM weekly_hours GROUP BY therapist_id
) hours ON hours.therapist_id = t.id
LEFT JOIN (
    SELECT therapist_id, count(*) AS clients
    FROM client WHERE status = 'active' AND closed_at IS NULL GROUP BY therapist_id
) caseload ON caseload.therapist_id = t.id
""")


async def candidates_record(session: AsyncSession) -> str:
    """A JSON list of all therapists with weekly hours and present caseload, as `rules.clients.candidates` reads it."""
    connection = await session.connection()
    return str((await connection.execute(_ALL)).scalar_one())


async def earliest_slots(session: AsyncSession, slugs: Sequence[str], now: datetime) -> dict[str, datetime | None]:
    """The earliest open slot of each: of an intro call, or of a session where intro calls are off."""
    if not slugs:
        return {}
    therapists: Sequence[Any] = (
        await session.exec(
            select(Therapist.id, Therapist.slug, Therapist.time_zone, Therapist.intro_calls).where(
                col(Therapist.slug) == any_(literal(list(slugs), ARRAY(Text)))
            )
        )
    ).all()
    availabilities = await load_availabilities(session, therapists)
    margin = max(busy_margin(availability) for availability in availabilities.values())
    busy = await load_busy_of_many(
        session,
        therapist_ids=list(availabilities),
        starts_before=max(horizon_end(availability, now=now) for availability in availabilities.values()) + margin,
        ends_after=now - margin,
        now=now,
    )
    # Many work the same hours with nothing booked: one answer holds for all of them.
    known: dict[tuple[Any, ...], datetime | None] = {}
    earliest: dict[str, datetime | None] = {}
    for therapist in therapists:
        kind = AppointmentType.SESSION if therapist.intro_calls is IntroCalls.OFF else AppointmentType.INTRO_CALL
        hours, taken = availabilities[therapist.id], busy[therapist.id]
        settings = hours.settings.values()
        same = (kind, hours.time_zone, hours.weekly, hours.overrides, hours.time_off, *settings, *taken)
        if same not in known:
            known[same] = earliest_slot(availability=hours, type=kind, busy=taken, now=now)
        earliest[therapist.slug] = known[same]
    return earliest
