"""Reading and writing the practice's own forms, and what was asked of a client and answered."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, beyond
from models.tables.forms.form import FormAnswer, FormRequest
from models.tables.forms.template import FormTemplate

# ---------------------------------------------------------------- the practice's own forms


async def newest_template(session: AsyncSession, kind: str) -> FormTemplate | None:
    statement = select(FormTemplate).where(col(FormTemplate.kind) == kind).order_by(col(FormTemplate.version).desc())
    return (await session.exec(statement.limit(1))).first()


async def template_of(session: AsyncSession, *, kind: str, version: int) -> FormTemplate | None:
    statement = select(FormTemplate).where(col(FormTemplate.kind) == kind, col(FormTemplate.version) == version)
    return (await session.exec(statement)).first()


async def titles_of(session: AsyncSession, asked: Collection[FormRequest]) -> dict[tuple[str, int], str]:
    """The titles of the forms that were asked for, by kind and version; intake forms are not among them."""
    pairs = {(form.kind, form.version) for form in asked}
    statement = select(FormTemplate).where(tuple_(col(FormTemplate.kind), col(FormTemplate.version)).in_(pairs))
    return {(template.kind, template.version): template.title for template in await session.exec(statement)}


async def list_templates(session: AsyncSession, page: Page) -> Sequence[FormTemplate]:
    """The newest version of each form, by kind; one more than the page holds, if there are more."""
    newest = select(FormTemplate.kind, func.max(FormTemplate.version)).group_by(col(FormTemplate.kind))
    statement = (
        select(FormTemplate)
        .where(tuple_(col(FormTemplate.kind), col(FormTemplate.version)).in_(newest))
        .order_by(col(FormTemplate.kind))
    )
    behind = beyond(page, FormTemplate.kind)
    if behind is not None:
        statement = statement.where(behind)
    return (await session.exec(statement.limit(page.limit + 1))).all()


async def add_version(
    session: AsyncSession,
    *,
    id: UUID,
    kind: str,
    title: str,
    fields: list[dict[str, Any]],
    by: str,
    at: datetime,
) -> FormTemplate:
    """A new form, or the next version of one; the same id again is the same version. Raises IntegrityError when another
    version was made at this very moment: look again.
    """
    known = await session.get(FormTemplate, id)
    if known is not None:
        return known
    before = await newest_template(session, kind)
    made = FormTemplate(
        id=id,
        kind=kind,
        version=before.version + 1 if before else 1,
        title=title,
        fields=fields,
        made_by=by,
        made_at=at,
    )
    session.add(made)
    await session.flush()
    return made


# ---------------------------------------------------------------- what a client was asked, and said


async def asked_of(session: AsyncSession, client_id: UUID, kind: str) -> Sequence[FormRequest]:
    """Every time that a client was asked for this form, the first one first."""
    statement = (
        select(FormRequest)
        .where(col(FormRequest.client_id) == client_id, col(FormRequest.kind) == kind)
        .order_by(col(FormRequest.requested_at), col(FormRequest.version), col(FormRequest.number))
    )
    return (await session.exec(statement)).all()


async def answer_to(session: AsyncSession, request_id: UUID) -> FormAnswer | None:
    """The answer to one asking, the newest if there are several."""
    statement = (
        select(FormAnswer)
        .where(col(FormAnswer.request_id) == request_id)
        .order_by(col(FormAnswer.answered_at).desc(), col(FormAnswer.id))
    )
    return (await session.exec(statement.limit(1))).first()
