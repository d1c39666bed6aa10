"""Drafts of answers: what was typed so far, kept for 30 days, and gone once the form is complete."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows
from api.accounts.portal import must_be_on
from api.bodies import Body, Json
from api.deps import Known, Now, Services, Svc, must_see_client
from api.idempotency import IdempotentRoute
from api.problems import must_find, not_found, responses, wrong_fields
from api.routes.forms.answerable import must_be_answerable, must_be_shown
from api.views.base import View
from api.views.forms import FormFileView, entered_by, form_file_view
from models.reads.forms.drafts import draft_of
from models.reads.forms.uploads import waiting_uploads
from models.tables.forms.draft import FormDraft
from models.tables.forms.text import PracticeText
from models.writes.forms.drafts import save_draft
from models.writes.locks import lock_open_client
from rules.accounts.accesses import AccessKind
from rules.accounts.caller import Caller
from rules.enums import FormStatus
from rules.forms.drafts import DRAFTS_KEPT
from rules.refusals import Problem

router = APIRouter(prefix="/v1", tags=["forms"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.FORMS)])


class DraftBody(Body):
    """As much of the answers as there is. They are not checked: the form is, when it is completed."""

    answers: Json


class DraftView(View):
    """``version``: of the form, for which it was saved. Of one that was saved before the version that is to be answered
    now, ``answers`` are those to questions which that has, too. ``entered_by``: who of the practice saved it; null if
    the client's side did. ``uploads``: files that wait for this form."""

    kind: str
    version: int
    answers: dict[str, Any]
    saved_at: datetime
    expires_at: datetime
    entered_by: str | None
    uploads: list[FormFileView]


@router.put(
    "/clients/{client_id}/forms/{kind}/draft",
    summary="Save what is typed so far",
    responses=responses(Problem.NOT_FOUND, Problem.OPENING_REQUIRED),
)
async def save_form_draft(
    *, client_id: UUID, kind: str, body: DraftBody, services: Svc, caller: Known, now: Now
) -> DraftView:
    """Instead of the draft before, of the version that is to be answered now. It is nobody's answer: nothing follows
    from it."""
    await _must_be_let_in(services, caller, client_id)
    async with services.sessions() as session:
        if await lock_open_client(session, caller, client_id) is None:
            raise not_found("client")
        form, template = await must_be_answerable(session, client_id, kind)
        await must_be_shown(session, caller, client_id, kind, now=now)  # who saves one replaces what stands there
        if form is not None and form.status is FormStatus.COMPLETE and not template.is_intake:
            raise wrong_fields([("kind", "is complete already; the practice can ask for it again")])
        unknown = sorted(body.answers.keys() - {field["name"] for field in template.fields})
        if unknown:
            raise wrong_fields([(f"answers.{name}", "is not a question of this form") for name in unknown])
        draft = FormDraft(
            client_id=client_id,
            kind=kind,
            version=template.version,
            answers=body.answers,
            saved_by=caller.actor,
            saved_at=now,
        )
        view = await _view(session, await save_draft(session, draft), template)
        await session.commit()
    return view


@router.get(
    "/clients/{client_id}/forms/{kind}/draft",
    summary="What was typed so far",
    responses=responses(Problem.NOT_FOUND, Problem.OPENING_REQUIRED),
)
async def get_form_draft(*, client_id: UUID, kind: str, services: Svc, caller: Known, now: Now) -> DraftView:
    """Typed for the version that is to be answered now, or for one that was in force when it was typed."""
    await _must_be_let_in(services, caller, client_id)
    async with services.sessions() as session:
        _, template = await must_be_answerable(session, client_id, kind)
        await must_be_shown(session, caller, client_id, kind, now=now)
        draft = await draft_of(session, client_id, kind=kind, version=template.version, now=now)
        return await _view(session, must_find("draft", draft), template)


async def _must_be_let_in(services: Services, caller: Caller, client_id: UUID) -> None:
    must_be_on(await must_see_client(services, caller, client_id), caller, "forms")


async def _view(session: AsyncSession, draft: FormDraft, text: PracticeText) -> DraftView:
    waiting = await waiting_uploads(session, draft.client_id, kind=draft.kind)
    asked = {field["name"] for field in text.fields}
    return DraftView.of(
        draft,
        answers={name: answer for name, answer in draft.answers.items() if name in asked},
        expires_at=draft.saved_at + DRAFTS_KEPT,
        entered_by=entered_by(draft.saved_by),
        uploads=[form_file_view(upload) for upload in waiting],
    )
