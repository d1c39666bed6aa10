"""Reading form templates: the questions and titles of every form, by version."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, beyond
from models.tables.forms.form import FormRequest
from models.tables.forms.template import FormTemplate


async def newest_template(session: AsyncSession, kind: str) -> FormTemplate | None:
    statement = select(FormTemplate).where(col(FormTemplate.kind) == kind).order_by(col(FormTemplate.version).desc())
    return (await session.exec(statement.limit(1))).first()


async def template_of(session: AsyncSession, *, kind: str, version: int) -> FormTemplate | None:
    statement = select(FormTemplate).where(col(FormTemplate.kind) == kind, col(FormTemplate.version) == version)
    return (await session.exec(statement)).first()


async def titles_of(session: AsyncSession, asked: Collection[FormRequest]) -> dict[tuple[str, int], str]:
    """The titles of the forms that were asked for, by kind and version."""
    pairs = {(form.kind, form.version) for form in asked}
    statement = select(FormTemplate.kind, FormTemplate.version, FormTemplate.title).where(
        tuple_(col(FormTemplate.kind), col(FormTemplate.version)).in_(pairs)
    )
    return {(kind, version): title for kind, version, title in await session.exec(statement)}


async def newest_versions(session: AsyncSession, *, intake: bool) -> dict[str, int]:
    """The newest version of each intake form, in the order in which they are filled in; or of the practice's own."""
    place = func.min(FormTemplate.intake_place)
    statement = (
        select(FormTemplate.kind, func.max(FormTemplate.version))
        .where(col(FormTemplate.intake_place).is_not(None) if intake else col(FormTemplate.intake_place).is_(None))
        .group_by(col(FormTemplate.kind))
        .order_by(place, col(FormTemplate.kind))
    )
    return dict((await session.exec(statement)).all())


async def newest_templates(session: AsyncSession) -> Sequence[FormTemplate]:
    """Every form in its newest version, by kind."""
    newest = select(FormTemplate.kind, func.max(FormTemplate.version)).group_by(col(FormTemplate.kind))
    statement = select(FormTemplate).where(tuple_(col(FormTemplate.kind), col(FormTemplate.version)).in_(newest))
    return (await session.exec(statement.order_by(col(FormTemplate.kind)))).all()


async def list_templates(session: AsyncSession, page: Page) -> Sequence[FormTemplate]:
    """The newest version of each of the practice's own forms, by kind; one more than the page holds."""
    newest = (
        select(FormTemplate.kind, func.max(FormTemplate.version))
        .where(col(FormTemplate.intake_place).is_(None))
        .group_by(col(FormTemplate.kind))
    )
    statement = (
        select(FormTemplate)
        .where(tuple_(col(FormTemplate.kind), col(FormTemplate.version)).in_(newest))
        .order_by(col(FormTemplate.kind))
    )
    behind = beyond(page, FormTemplate.kind)
    if behind is not None:
        statement = statement.where(behind)
    return (await session.exec(statement.limit(page.limit + 1))).all()
