"""What a client's form is answered in, for every call about it, and who is shown what is in it."""

from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from api.accounts.openings import must_be_open
from api.problems import not_found
from models.reads.forms.answerable import to_be_answered
from models.tables.forms.form import FormRequest
from models.tables.forms.text import PracticeText
from rules.accounts.caller import Caller
from rules.accounts.openings import OpeningKind
from rules.forms.intake import SEEN_BY_STAFF


async def must_be_answerable(
    session: AsyncSession, client_id: UUID, kind: str
) -> tuple[FormRequest | None, PracticeText]:
    """The asking, if there is one yet, and its questions. Raises Refused: not found."""
    found = await to_be_answered(session, client_id, kind)
    if found is None:
        raise not_found("form")
    return found


async def must_be_shown(session: AsyncSession, caller: Caller, client_id: UUID, kind: str, *, now: datetime) -> None:
    """For what was filled in: answers, drafts, files and signed copies. The care team sees those of consent and billing
    info, and all others through an opening. Raises Refused."""
    if kind not in SEEN_BY_STAFF:
        await must_be_open(session, caller, OpeningKind.INTAKE_ANSWERS, client_id, now=now)
