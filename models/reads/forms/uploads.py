"""Files for forms, as they are read. Whoever asks has been let in to the client's forms."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.forms.upload import FormUpload, FormUploadContent


async def uploads_of(session: AsyncSession, client_id: UUID, ids: Collection[UUID]) -> Sequence[FormUpload]:
    """Those of a client among these, as they were uploaded. What an answer names may be named by a later one too."""
    statement = select(FormUpload).where(col(FormUpload.client_id) == client_id, col(FormUpload.id).in_(ids))
    return (await session.exec(statement.order_by(col(FormUpload.uploaded_at), col(FormUpload.id)))).all()


async def waiting_uploads(session: AsyncSession, client_id: UUID, *, kind: str | None = None) -> Sequence[FormUpload]:
    """Those of a client that no answer names: of one form, or of all."""
    statement = select(FormUpload).where(col(FormUpload.client_id) == client_id, col(FormUpload.answer_id).is_(None))
    if kind is not None:
        statement = statement.where(col(FormUpload.kind) == kind)
    return (await session.exec(statement.order_by(col(FormUpload.uploaded_at), col(FormUpload.id)))).all()


async def upload_piece(session: AsyncSession, upload: FormUpload, number: int) -> bytes | None:
    """A piece of a file that the caller may see, counted from 0; None after the last."""
    piece = await session.get(FormUploadContent, (upload.id, number))
    return piece.content if piece is not None else None
