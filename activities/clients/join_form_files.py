"""Drafts and files for forms, when a record is joined into another of the same person. Both clients are locked."""

from sqlalchemy import update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.client import Client
from models.tables.forms.draft import FormDraft
from models.tables.forms.form import FormAnswer, FormRequest
from models.tables.forms.upload import FormUpload


async def move_form_files(session: AsyncSession, duplicate: Client, record: Client) -> None:
    """Once the forms are where they belong: files that answers name go with these, and the rest come along."""
    with_answers = update(FormUpload).where(
        col(FormUpload.client_id).in_([duplicate.id, record.id]),
        col(FormUpload.answer_id) == col(FormAnswer.id),
        col(FormAnswer.request_id) == col(FormRequest.id),
    )
    whose = with_answers.values(client_id=col(FormRequest.client_id))
    await session.exec(whose.execution_options(synchronize_session=False))
    waiting = (col(FormUpload.client_id) == duplicate.id, col(FormUpload.answer_id).is_(None))
    await session.exec(update(FormUpload).where(*waiting).values(client_id=record.id))
    await _move_drafts(session, duplicate, record)


async def _move_drafts(session: AsyncSession, duplicate: Client, record: Client) -> None:
    """The record's own stays. A draft is sealed for its client, so it is written anew."""
    drafts = (await session.exec(select(FormDraft).where(col(FormDraft.client_id) == duplicate.id))).all()
    for draft in drafts:
        if await session.get(FormDraft, (record.id, draft.kind, draft.version)) is None:
            session.add(FormDraft(**{**draft.model_dump(), "client_id": record.id}))
        await session.delete(draft)
    await session.flush()
