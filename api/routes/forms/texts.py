"""Texts: what the practice has its clients read and sign, by version. An admin words a draft, looks at what it would
change, and publishes it: then it is in force."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid5

import structlog
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field, StringConstraints
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows_no_client
from api.bodies import Body, Line, as_prose
from api.commands import tell_of_new_version
from api.deps import Admin, Anyone, BySlug, Now, RequestId, Services, Svc, asker_of
from api.idempotency import IdempotentRoute
from api.problems import EngineUnavailable, not_found, responses, wrong_fields
from api.routes.forms.form_templates import FieldBody, FieldView, Version, fields_view
from api.views.lists import Listed, cut, listed
from models.reads.forms.texts import (
    draft_of,
    list_drafts,
    list_texts,
    newest_text,
    read_as,
    text_of,
    versions_of,
    wording_of,
)
from models.tables.forms.text import PracticeText, TextDraft
from models.writes.forms.publishing import publish, published_with, to_be_asked
from models.writes.forms.text_drafts import put_draft
from models.writes.forms.texts import lock_texts
from rules.enums import Role
from rules.forms.fields import MOST_FIELDS
from rules.forms.intake import FEE_POLICY, STANDARD_TEXTS
from rules.forms.templates import LONGEST_KIND, check_kind
from rules.forms.texts import check_text
from rules.forms.wording import numbers_of, worded
from rules.money.terms import Terms
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["forms"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("texts of the practice, and no answers")],
)
log = structlog.get_logger(__name__)

LONGEST_BODY = 60_000
Kind = Annotated[str, Field(max_length=LONGEST_KIND)]


# ---------------------------------------------------------------- what is in force


class TextView(BaseModel):
    """``body`` as it is read: paragraphs between blank lines, headings that begin with ``# ``, items of a list with
    ``- ``; that of Billing Info ends with the fee policy, of ``fee_policy_version``. ``numbers`` are those the version
    was published with, by the names that stand in ``source``. For admins: ``source``, its own words with the numbers by
    name, who published it, and whether a ``draft`` waits.
    """

    kind: str
    version: int
    title: str
    body: str
    fields: list[FieldView]
    numbers: dict[str, str]
    fee_policy_version: int | None
    published_at: datetime
    versions: list[int]
    source: str | None = None
    published_by: str | None = None
    draft: "TextDraftView | None" = None


class TextDraftView(BaseModel):
    """``id`` is another after every change. ``body``: with the numbers by name. ``numbers``: with which it would be
    published. ``to_be_asked``: how many clients would be asked to sign, if it were published now."""

    id: UUID
    title: str
    body: str
    fields: list[FieldView]
    numbers: dict[str, str]
    made_by: str
    made_at: datetime
    to_be_asked: int


class WaitingDraftView(TextDraftView):
    """``is_new``: of a form that there is not yet, so that ``GET /v1/texts`` does not tell of it."""

    kind: str
    is_new: bool


@dataclass(frozen=True)
class Sight:
    """``own``: the practice's own forms are the practice's, and read by a client who was asked for one with it.
    ``drafts``: whoever words texts sees what is not in force yet."""

    own: bool
    drafts: bool


async def _sight(request: Request, caller: Anyone) -> Sight:
    asker = await asker_of(request) if caller is not None else None
    callers = asker.callers if asker is not None else ()
    drafts = any(one.role is Role.ADMIN for one in callers)  # a person's rights add up
    return Sight(own=drafts or any(one.is_practice for one in callers), drafts=drafts)


Seen = Annotated[Sight, Depends(_sight)]


@router.get(
    "/texts",
    summary="The practice's texts in force, by kind",
    response_model_exclude_unset=True,
    responses=responses(),
)
async def list_practice_texts(*, services: Svc, sight: Seen, page: BySlug) -> Listed[TextView]:
    """Consent, fee policy and the other intake forms; for the practice and admins its own forms too."""
    async with services.sessions() as session:
        rows, last = cut(await list_texts(session, page, own=sight.own), page)
        drafts = {draft.kind: draft for draft in await list_drafts(session)} if sight.drafts else {}
        views = [await _view(session, row, sight=sight, draft=drafts.get(row.kind)) for row in rows]
    return listed(views, (last.kind,) if last else None)


@router.get(
    "/texts/{kind}",
    summary="One of the practice's texts",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def get_practice_text(*, kind: str, services: Svc, sight: Seen, version: Version = None) -> TextView:
    async with services.sessions() as session:
        if version is None:
            found = await newest_text(session, kind)
        else:
            found = await text_of(session, kind=kind, version=version)
        if found is None or (found.is_own and not sight.own):
            raise not_found("text")
        draft = await draft_of(session, kind) if sight.drafts else None
        return await _view(session, found, sight=sight, draft=draft)


async def _view(session: AsyncSession, text: PracticeText, *, sight: Sight, draft: TextDraft | None) -> TextView:
    more: dict[str, Any] = {}
    if sight.drafts:
        waiting = await _draft_view(session, draft) if draft is not None else None
        more = {"source": text.body, "published_by": text.made_by, "draft": waiting}
    return TextView(
        kind=text.kind,
        version=text.version,
        title=text.title,
        body=await wording_of(session, text),
        fields=fields_view(text),
        numbers=dict(numbers_of(Terms.read(text.terms))),
        fee_policy_version=text.version if text.kind == FEE_POLICY else text.fee_policy_version,
        published_at=text.made_at,
        versions=list(await versions_of(session, text.kind)),
        **more,
    )


@router.get(
    "/text-drafts",
    summary="Drafts that wait to be published, by kind",
    response_model_exclude_unset=True,
    responses=responses(),
)
async def list_waiting_drafts(*, services: Svc, _: Admin, page: BySlug) -> Listed[WaitingDraftView]:
    """Those of forms that there are not yet, too."""
    async with services.sessions() as session:
        found = [draft for draft in await list_drafts(session) if not page.after or draft.kind > page.after[0]]
        rows, last = cut(found[: page.limit + 1], page)
        views = [await _waiting_view(session, draft) for draft in rows]
    return listed(views, (last.kind,) if last else None)


async def _waiting_view(session: AsyncSession, draft: TextDraft) -> WaitingDraftView:
    is_new = await newest_text(session, draft.kind) is None
    view = await _draft_view(session, draft)
    return WaitingDraftView(**view.model_dump(exclude_unset=True, by_alias=True), kind=draft.kind, is_new=is_new)


async def _draft_view(session: AsyncSession, draft: TextDraft) -> TextDraftView:
    return TextDraftView(
        id=draft.id,
        title=draft.title,
        body=draft.body,
        fields=fields_view(draft),
        numbers=dict(numbers_of(await _terms_of(session, draft))),
        made_by=draft.made_by,
        made_at=draft.made_at,
        to_be_asked=await to_be_asked(session, draft),
    )


async def _terms_of(session: AsyncSession, draft: TextDraft) -> Terms:
    """Those that settings propose for the fee policy; else those in force."""
    policy = await newest_text(session, FEE_POLICY)
    assert policy is not None, "every database has a fee policy from the beginning"
    return Terms.read(draft.terms or policy.terms)


# ---------------------------------------------------------------- the next version


class TextBody(Body):
    """The whole next version. ``body`` is plain text: paragraphs between blank lines, headings that begin with ``# ``,
    items of a list with ``- ``, and numbers of the fee policy by name, such as ``{notice_window}``."""

    title: Line
    body: Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_BODY), as_prose] = ""
    fields: Annotated[list[FieldBody], Field(max_length=MOST_FIELDS, default_factory=list)]


@router.put(
    "/texts/{kind}",
    summary="Word the next version of a text, as a draft",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def draft_practice_text(
    *, kind: Kind, body: TextBody, services: Svc, caller: Admin, request_id: RequestId, now: Now
) -> TextDraftView:
    """Nothing is in force by it, and nobody is asked for anything. A kind that there is not yet is a new form of the
    practice's own."""
    fields = [field.field() for field in body.fields]
    errors = check_text(kind, body.body, fields)
    wrong = check_kind(kind) if kind not in STANDARD_TEXTS else None
    if wrong is not None:
        errors["kind"] = wrong
    if errors:
        raise wrong_fields(list(errors.items()))
    async with services.sessions() as session:
        draft = await put_draft(
            session,
            id=uuid5(request_id, "text-draft"),
            kind=kind,
            title=body.title,
            body=body.body,
            fields=[field.to_document() for field in fields],
            by=caller.actor,
            at=now,
        )
        view = await _draft_view(session, draft)
        await session.commit()
    return view


class WordingView(BaseModel):
    """A version as clients read it."""

    title: str
    body: str
    fields: list[FieldView]
    numbers: dict[str, str]


class PreviewView(BaseModel):
    """``in_force`` is null for a form that there is not yet. ``together``: the forms that get a new version with it,
    because it is signed with them or its numbers stand in them."""

    draft_id: UUID
    in_force: WordingView | None
    draft: WordingView
    to_be_asked: int
    together: list[str]


@router.post(
    "/texts/{kind}/preview",
    summary="What publishing a draft would change",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def preview_practice_text(*, kind: Kind, services: Svc, _: Admin) -> PreviewView:
    """Both wordings as they are read, and how many would be asked. Nothing changes."""
    async with services.sessions() as session:
        draft = await _must_have_draft(session, kind)
        text = await newest_text(session, kind)
        terms = await _terms_of(session, draft)
        return PreviewView(
            draft_id=draft.id,
            in_force=WordingView(
                title=text.title,
                body=read_as(text),
                fields=fields_view(text),
                numbers=dict(numbers_of(Terms.read(text.terms))),
            )
            if text is not None
            else None,
            draft=WordingView(
                title=draft.title,
                body=worded(draft.body, terms),
                fields=fields_view(draft),
                numbers=dict(numbers_of(terms)),
            ),
            to_be_asked=await to_be_asked(session, draft),
            together=[other.kind for other in await published_with(session, kind)],
        )


class PublishBody(Body):
    draft_id: Annotated[
        UUID | None, Field(description="Of the preview: a draft that has changed since is refused.")
    ] = None


class PublishedView(TextView):
    """``asked``: how many clients are asked to sign. ``together``: the forms that have a new version with it."""

    asked: int
    together: list[str]


@router.post(
    "/texts/{kind}/publish",
    summary="Put a draft in force",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def publish_practice_text(
    *, kind: Kind, services: Svc, caller: Admin, request_id: RequestId, now: Now, body: PublishBody | None = None
) -> PublishedView:
    """Words and numbers come into force together: for what is booked from now on by whoever has signed nothing yet, and
    for everybody else when they sign. Whoever has an older version is asked, by mail."""
    async with services.sessions() as session:
        await lock_texts(session)
        draft = await _must_have_draft(session, kind)
        if body is not None and body.draft_id not in (None, draft.id):
            raise wrong_fields([("draft_id", "is of a draft that has changed since; look at it again")])
        asked = await to_be_asked(session, draft)
        made = await publish(session, draft, request_id=request_id, by=caller.actor, at=now)
        view = await _view(session, made[0], sight=Sight(own=True, drafts=True), draft=None)
        await session.commit()
    await _tell(services, made)
    return PublishedView(**view.model_dump(exclude_unset=True), asked=asked, together=[text.kind for text in made[1:]])


async def _tell(services: Services, made: list[PracticeText]) -> None:
    for text in made:
        try:
            await tell_of_new_version(services, text)
        except EngineUnavailable:
            log.warning("not every journey could be told of a new version", form=text.kind)


async def _must_have_draft(session: AsyncSession, kind: str) -> TextDraft:
    draft = await draft_of(session, kind)
    if draft is None:
        raise not_found("draft")
    return draft
