"""Reading form templates: the questions and titles of every form, by version."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, beyond
from models.tables.forms.form import FormRequest
from models.tables.forms.text import PracticeText


async def newest_text(session: AsyncSession, kind: str) -> PracticeText | None:
    statement = select(PracticeText).where(col(PracticeText.kind) == kind).order_by(col(PracticeText.version).desc())
    return (await session.exec(statement.limit(1))).first()


async def text_of(session: AsyncSession, *, kind: str, version: int) -> PracticeText | None:
    statement = select(PracticeText).where(col(PracticeText.kind) == kind, col(PracticeText.version) == version)
    return (await session.exec(statement)).first()


async def titles_of(session: AsyncSession, asked: Collection[FormRequest]) -> dict[tuple[str, int], str]:
    """The titles of the forms that were asked for, by kind and version."""
    pairs = {(form.kind, form.version) for form in asked}
    statement = select(PracticeText.kind, PracticeText.version, PracticeText.title).where(
        tuple_(col(PracticeText.kind), col(PracticeText.version)).in_(pairs)
    )
    return {(kind, version): title for kind, version, title in await session.exec(statement)}


async def newest_versions(session: AsyncSession, *, intake: bool) -> dict[str, int]:
    """The newest version of each intake form, in the order in which they are filled in; or of the practice's own."""
    place = func.min(PracticeText.intake_place)
    statement = (
        select(PracticeText.kind, func.max(PracticeText.version))
        .where(col(PracticeText.intake_place).is_not(None) if intake else col(PracticeText.intake_place).is_(None))
        .group_by(col(PracticeText.kind))
        .order_by(place, col(PracticeText.kind))
    )
    return dict((await session.exec(statement)).all())


async def newest_texts(session: AsyncSession) -> Sequence[PracticeText]:
    """Every form in its newest version, by kind."""
    newest = select(PracticeText.kind, func.max(PracticeText.version)).group_by(col(PracticeText.kind))
    statement = select(PracticeText).where(tuple_(col(PracticeText.kind), col(PracticeText.version)).in_(newest))
    return (await session.exec(statement.order_by(col(PracticeText.kind)))).all()


async def list_own_forms(session: AsyncSession, page: Page) -> Sequence[PracticeText]:
    """The newest version of each of the practice's own forms, by kind; one more than the page holds."""
    newest = (
        select(PracticeText.kind, func.max(PracticeText.version))
        .where(col(PracticeText.intake_place).is_(None))
        .group_by(col(PracticeText.kind))
    )
    statement = (
        select(PracticeText)
        .where(tuple_(col(PracticeText.kind), col(PracticeText.version)).in_(newest))
        .order_by(col(PracticeText.kind))
    )
    behind = beyond(page, PracticeText.kind)
    if behind is not None:
        statement = statement.where(behind)
    return (await session.exec(statement.limit(page.limit + 1))).all()
