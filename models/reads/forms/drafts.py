"""Drafts, as they are read. Whoever asks has been let in to the client's forms."""

from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.forms.draft import FormDraft
from rules.forms.drafts import DRAFTS_KEPT


async def draft_of(
    session: AsyncSession, client_id: UUID, *, kind: str, version: int, now: datetime
) -> FormDraft | None:
    """What was saved of this form, unless nobody has gone on with it for too long."""
    draft = await session.get(FormDraft, (client_id, kind, version))
    return draft if draft is not None and draft.saved_at + DRAFTS_KEPT > now else None
