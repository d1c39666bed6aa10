"""Keeping files for forms. The caller commits."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import insert
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from models.sealing import sealed_values
from models.tables.forms.upload import FormUpload, FormUploadContent
from models.writes.care.documents import PIECE


async def keep_upload(session: AsyncSession, upload: FormUpload, content: bytes) -> FormUpload:
    """Keep a file with its bytes; or the one of this id that is kept already."""
    known = await session.get(FormUpload, upload.id)
    if known is not None:
        return known
    session.add(upload)
    await session.flush()
    for number, start in enumerate(range(0, len(content), PIECE)):
        piece = content[start : start + PIECE]
        row = FormUploadContent(upload_id=upload.id, number=number, content=piece)
        await session.exec(insert(FormUploadContent).values(sealed_values(session, row)))
    return upload


async def lock_uploads(session: AsyncSession, client_id: UUID, ids: Collection[UUID]) -> Sequence[FormUpload]:
    """Those of a client among these, so that no round of the keeper takes one away meanwhile."""
    statement = select(FormUpload).where(col(FormUpload.client_id) == client_id, col(FormUpload.id).in_(ids))
    return (await session.exec(statement.order_by(col(FormUpload.id)).with_for_update())).all()


async def attach_uploads(session: AsyncSession, ids: Collection[UUID], *, answer_id: UUID) -> None:
    """They belong to the record from now on; those that an earlier answer names do already."""
    waiting = (col(FormUpload.id).in_(ids), col(FormUpload.answer_id).is_(None))
    await session.exec(update(FormUpload).where(*waiting).values(answer_id=answer_id))
