"""Everybody who could be a client's therapist: read, scored and chosen."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zlib import compress

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.clients.candidates import candidates_record, earliest_slots
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.writes.locks import lock_therapist
from rules.clients.answers import Answers
from rules.clients.candidates import candidates_of
from rules.clients.matching import MatchResult as Found
from rules.clients.matching import decide, score
from rules.enums import ClientStatus


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
        found = decide(scored, earliest=await earliest_slots(session, scored.tied, now))
        if found.therapist is None:
            return found, None, compress(record.encode())
        chosen = select(Therapist.id).where(col(Therapist.slug) == found.therapist).scalar_subquery()
        winner = await lock_therapist(session, chosen)
        limit = winner.caseload_limit
        if winner.accepting_clients and (limit is None or await _active_clients(session, winner.id) < limit):
            return found, winner, compress(record.encode())
        await session.rollback()


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
