"""Least sight: what a role does not show of a client is answered through an opening alone (break glass)."""

from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from api.problems import Refused
from models.reads.accounts.openings import is_open
from rules.accounts.caller import Caller
from rules.accounts.openings import OpeningKind, refuse_to_show


async def must_be_open(
    session: AsyncSession, caller: Caller, what: OpeningKind, client_id: UUID, *, now: datetime
) -> None:
    """For what is about one client, whom the caller sees. Raises Refused: an opening is required, or there is none for
    the caller's role."""
    if not await is_open(session, caller, what, client_id, now=now):
        raise closed(caller, what, client_id)


def closed(caller: Caller, what: OpeningKind, client_id: UUID) -> Refused:
    return Refused(refuse_to_show(caller, what, client_id))
