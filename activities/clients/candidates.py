"""Everybody who could be a client's therapist: read, scored and chosen."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zlib import compress

from sqlalchemy import ARRAY, Text, any_, func, literal
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.booking.calendar import busy_margin, horizon_end, load_busy_of_many
from models.reads.booking.hours import load_availabilities
from models.reads.clients.candidates import candidates_record
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.writes.locks import lock_therapist
from rules.booking.availability import earliest_slot
from rules.clients.answers import Answers
from rules.clients.candidates import candidates_of
from rules.clients.matching import MatchResult as Found
from rules.clients.matching import decide, score
from rules.enums import AppointmentType, ClientStatus, IntroCalls


async def find_therapist(
    session: AsyncSession, said: Mapping[str, Any], now: datetime
) -> tuple[Found, Therapist | None, bytes]:
    """Match by the form. The winner is locked and looked at again: two forms never share a caseload's last place.

    Whoever lost that place starts over with no lock held, so that nobody waits in a circle. The last part of the
    answer is what a replay of the match needs: the candidates as they were.
    """
    answers = Answers.of_document(said)
    while True:
        record = await candidates_record(session)
        scored = score(answers=answers, candidates=candidates_of(json.loads(record)))
        found = decide(scored, earliest=await _earliest(session, scored.tied, now))
        if found.therapist is None:
            return found, None, compress(record.encode())
        chosen = (await session.exec(select(Therapist.id).where(col(Therapist.slug) == found.therapist))).one()
        winner = await lock_therapist(session, chosen)
        limit = winner.caseload_limit
        if winner.accepting_clients and (limit is None or await _active_clients(session, winner.id) < limit):
            return found, winner, compress(record.encode())
        await session.rollback()


async def _earliest(session: AsyncSession, slugs: Sequence[str], now: datetime) -> dict[str, datetime | None]:
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


async def _active_clients(session: AsyncSession, therapist_id: UUID) -> int:
    statement = (
        select(func.count())
        .select_from(Client)
        .where(
            col(Client.therapist_id) == therapist_id,
            col(Client.status) == ClientStatus.ACTIVE,
            col(Client.closed_at).is_(None),
        )
    )
    return (await session.exec(statement)).one()
