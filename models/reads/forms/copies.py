"""Signed copies, as they are read. Whoever asks has been let in to the client's forms."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.forms.form import FormAnswer, FormRequest
from models.tables.forms.signed_copy import KeptCopy


async def copy_of(
    session: AsyncSession, client_id: UUID, kind: str, *, form_id: UUID | None
) -> tuple[FormRequest, KeptCopy] | None:
    """What was signed last of this form, in this asking or in any."""
    statement = (
        select(FormRequest, KeptCopy)
        .join(FormAnswer, col(FormAnswer.request_id) == col(FormRequest.id))
        .join(KeptCopy, col(KeptCopy.answer_id) == col(FormAnswer.id))
        .where(col(FormRequest.client_id) == client_id, col(FormRequest.kind) == kind)
        .order_by(col(FormAnswer.answered_at).desc(), col(FormAnswer.id))
    )
    if form_id is not None:
        statement = statement.where(col(FormRequest.id) == form_id)
    return (await session.exec(statement.limit(1))).first()


async def hash_of_copy(session: AsyncSession, answer_id: UUID) -> str | None:
    """The hash of what was kept of an answer."""
    return (await session.exec(select(KeptCopy.sha256).where(col(KeptCopy.answer_id) == answer_id))).first()
