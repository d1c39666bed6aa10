"""Saving drafts. The client's row is locked, so that none outlives the completion that it was meant for."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col, update
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.forms.draft import FormDraft
from models.tables.forms.upload import FormUpload


async def save_draft(session: AsyncSession, draft: FormDraft) -> FormDraft:
    """Instead of the one before. The files that wait for this form wait as long as its draft."""
    saved = await session.merge(draft)
    await session.flush()
    await _want(session, draft.client_id, draft.kind, at=draft.saved_at)
    return saved


async def _want(session: AsyncSession, client_id: UUID, kind: str, *, at: datetime) -> None:
    waiting = (col(FormUpload.client_id) == client_id, col(FormUpload.kind) == kind)
    await session.exec(update(FormUpload).where(*waiting, col(FormUpload.answer_id).is_(None)).values(wanted_at=at))


async def forget_drafts(session: AsyncSession, client_id: UUID, kind: str) -> None:
    """Of a form that is complete, whatever version they answered."""
    await session.exec(delete(FormDraft).where(col(FormDraft.client_id) == client_id, col(FormDraft.kind) == kind))
