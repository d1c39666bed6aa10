"""Reading texts: titles, wording and questions of every form and of the fee policy, by version."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, func, true, tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.paging import Page, beyond
from models.tables.forms.form import FormRequest
from models.tables.forms.text import PracticeText, TextDraft
from rules.forms.intake import FEE_POLICY
from rules.forms.wording import worded
from rules.money.terms import Terms


async def newest_text(session: AsyncSession, kind: str) -> PracticeText | None:
    statement = select(PracticeText).where(col(PracticeText.kind) == kind).order_by(col(PracticeText.version).desc())
    return (await session.exec(statement.limit(1))).first()


async def text_of(session: AsyncSession, *, kind: str, version: int) -> PracticeText | None:
    statement = select(PracticeText).where(col(PracticeText.kind) == kind, col(PracticeText.version) == version)
    return (await session.exec(statement)).first()


async def versions_of(session: AsyncSession, kind: str) -> Sequence[int]:
    """The versions of a text, the newest first."""
    statement = select(PracticeText.version).where(col(PracticeText.kind) == kind)
    return (await session.exec(statement.order_by(col(PracticeText.version).desc()))).all()


async def fee_policy_of(session: AsyncSession, text: PracticeText) -> PracticeText | None:
    """The fee policy that is signed with this version of a form; None with all forms but Billing Info."""
    if text.fee_policy_version is None:
        return None
    return await text_of(session, kind=FEE_POLICY, version=text.fee_policy_version)


async def wording_of(session: AsyncSession, text: PracticeText) -> str:
    """What is read of this version before its questions: its own words, and the fee policy where that is signed with
    it. The numbers are those that it was published with."""
    policy = await fee_policy_of(session, text)
    if policy is None:
        return read_as(text)
    return f"{read_as(text)}\n\n# {policy.title}\n\n{read_as(policy)}".strip()


def read_as(text: PracticeText) -> str:
    """Its own words, as people read them."""
    return worded(text.body, Terms.read(text.terms))


async def draft_of(session: AsyncSession, kind: str) -> TextDraft | None:
    return await session.get(TextDraft, kind, populate_existing=True)


async def list_drafts(session: AsyncSession) -> Sequence[TextDraft]:
    return (await session.exec(select(TextDraft).order_by(col(TextDraft.kind)))).all()


async def titles_of(session: AsyncSession, asked: Collection[FormRequest]) -> dict[tuple[str, int], str]:
    """The titles of the forms that were asked for, by kind and version."""
    pairs = {(form.kind, form.version) for form in asked}
    statement = select(PracticeText.kind, PracticeText.version, PracticeText.title).where(
        tuple_(col(PracticeText.kind), col(PracticeText.version)).in_(pairs)
    )
    return {(kind, version): title for kind, version, title in await session.exec(statement)}


async def intake_titles(session: AsyncSession) -> dict[str, str]:
    """What each intake form is called now, by kind."""
    return {text.kind: text.title for text in await newest_texts(session) if text.is_intake}


async def newest_versions(session: AsyncSession, *, intake: bool) -> dict[str, int]:
    """The newest version of each intake form, in the order in which they are filled in; or of the practice's own."""
    statement = (
        select(PracticeText.kind, func.max(PracticeText.version))
        .where(col(PracticeText.intake_place).is_not(None) if intake else col(PracticeText.intake_place).is_(None))
        .group_by(col(PracticeText.kind))
        .order_by(func.min(PracticeText.intake_place), col(PracticeText.kind))
    )
    return dict((await session.exec(statement)).all())


def intake_kinds() -> SelectOfScalar[str]:
    """The intake forms in the order in which they are filled in, as part of a larger question."""
    return (
        select(PracticeText.kind)
        .where(col(PracticeText.intake_place).is_not(None))
        .group_by(col(PracticeText.kind))
        .order_by(func.min(PracticeText.intake_place), col(PracticeText.kind))
    )


async def newest_texts(session: AsyncSession) -> Sequence[PracticeText]:
    """Every form in its newest version, by kind."""
    newest = select(PracticeText.kind, func.max(PracticeText.version)).group_by(col(PracticeText.kind))
    statement = select(PracticeText).where(tuple_(col(PracticeText.kind), col(PracticeText.version)).in_(newest))
    return (await session.exec(statement.order_by(col(PracticeText.kind)))).all()


async def list_own_forms(session: AsyncSession, page: Page) -> Sequence[PracticeText]:
    """The newest version of each of the practice's own forms, by kind; one more than the page holds."""
    return await _newest_by_kind(session, page, _is_own())


async def list_texts(session: AsyncSession, page: Page, *, own: bool) -> Sequence[PracticeText]:
    """The newest version of each text, by kind, with the practice's ``own`` forms or without; one more than the page
    holds."""
    return await _newest_by_kind(session, page, true() if own else ~_is_own())


def _is_own() -> ColumnElement[bool]:
    return and_(col(PracticeText.intake_place).is_(None), col(PracticeText.kind) != FEE_POLICY)


async def _newest_by_kind(session: AsyncSession, page: Page, wanted: ColumnElement[bool]) -> Sequence[PracticeText]:
    newest = select(PracticeText.kind, func.max(PracticeText.version)).where(wanted).group_by(col(PracticeText.kind))
    statement = (
        select(PracticeText)
        .where(tuple_(col(PracticeText.kind), col(PracticeText.version)).in_(newest))
        .order_by(col(PracticeText.kind))
    )
    behind = beyond(page, PracticeText.kind)
    if behind is not None:
        statement = statement.where(behind)
    return (await session.exec(statement.limit(page.limit + 1))).all()
