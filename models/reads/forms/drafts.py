"""Drafts, as they are read. Whoever asks has been let in to the client's forms."""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.forms.draft import FormDraft
from rules.forms.drafts import DRAFTS_KEPT


async def draft_of(
    session: AsyncSession, client_id: UUID, *, kind: str, version: int, now: datetime
) -> FormDraft | None:
    """What was saved of this form last, in this version or one before it, unless nobody has gone on with it for too
    long. A new version that comes while somebody types takes nothing from them."""
    drafts = select(FormDraft).where(
        col(FormDraft.client_id) == client_id,
        col(FormDraft.kind) == kind,
        col(FormDraft.version) <= version,
        col(FormDraft.saved_at) > now - DRAFTS_KEPT,
    )
    return (await session.exec(drafts.order_by(col(FormDraft.version).desc()).limit(1))).first()


async def drafts_begun(session: AsyncSession, client_id: UUID, *, now: datetime) -> dict[str, datetime]:
    """By kind, when what is there of a form was saved last."""
    kept = select(FormDraft.kind, func.max(FormDraft.saved_at)).where(
        col(FormDraft.client_id) == client_id, col(FormDraft.saved_at) > now - DRAFTS_KEPT
    )
    return dict((await session.exec(kept.group_by(col(FormDraft.kind)))).all())
