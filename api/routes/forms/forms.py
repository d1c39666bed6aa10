"""Forms of a client: what is asked, looking at it, and answering it; and the card that Billing Info saves."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from activities.types.clients import FormAsking, FormCompletion, FormSubmission, LinkOrder
from api.bodies import Body, Json, Line
from api.commands import journey_done
from api.deps import ByTime, Known, Practice, RequestId, Services, Svc, must_see_client
from api.idempotency import IdempotentRoute
from api.portal import must_be_on
from api.problems import EngineUnavailable, not_found, responses, wrong_fields
from api.routes.forms.form_templates import FieldView, fields_view
from api.views.forms import FormView, form_view
from api.views.lists import Listed, listed
from models.paging import Page
from models.reads.forms.requests import forms_of
from models.reads.forms.templates import answer_to, asked_of, template_of, titles_of
from models.tables.forms.form import FormRequest
from rules.accounts.caller import Caller
from rules.enums import FormKind
from rules.forms import templates as form_templates
from rules.forms.intake import FEE_POLICY_TEXT, FEE_POLICY_VERSION, INTAKE_FORMS, check_answers
from rules.forms.templates import FormField
from rules.refusals import Problem
from workflows.messages import COMPLETE_FORM, REQUEST_FORM, SET_UP_CARD, SUBMIT_FORM

router = APIRouter(prefix="/v1", tags=["forms"], route_class=IdempotentRoute)


@router.get("/clients/{client_id}/forms", summary="A client's forms", responses=responses(Problem.NOT_FOUND))
async def list_forms(*, client_id: UUID, services: Svc, caller: Known, page: ByTime) -> Listed[FormView]:
    """In the order in which they were asked for. A form that was asked for again stands there again."""
    must_be_on(await must_see_client(services, caller, client_id), caller, "forms")
    async with services.sessions() as session:
        rows, more = _after(await forms_of(session, client_id), page)
        titles = await titles_of(session, rows)
    last = rows[-1] if more else None
    views = [form_view(row, caller=caller, title=_title(row, titles)) for row in rows]
    return listed(views, (last.requested_at, last.id) if last else None)


def _after(forms: Sequence[FormRequest], page: Page) -> tuple[Sequence[FormRequest], bool]:
    """The forms of this page, and whether more follow. They stand in an order that no column has."""
    first = 0
    if page.after is not None:
        ids = [form.id for form in forms]
        first = ids.index(page.after[1]) + 1 if page.after[1] in ids else len(ids)
    return forms[first : first + page.limit], len(forms) > first + page.limit


def _title(form: FormRequest, titles: dict[tuple[str, int], str]) -> str:
    return INTAKE_FORMS[FormKind(form.kind)].title if form.kind in INTAKE_FORMS else titles[form.kind, form.version]


class WholeFormView(FormView):
    """``fields``: the questions of a form that the practice has made, in the version that was asked for; null for the
    intake forms. Once it is complete: ``answers`` and ``signature``, and for the practice ``answered_by``.
    """

    fields: list[FieldView] | None
    answers: dict[str, Any] | None = None
    signature: str | None = None
    answered_by: str | None = None


OneOf = Annotated[UUID | None, Query(description="Which asking, by its id; the newest unless one is named.")]


@router.get(
    "/clients/{client_id}/forms/{kind}",
    summary="One form: its questions, and the answers once it is complete",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def one_form(*, client_id: UUID, kind: str, services: Svc, caller: Known, form_id: OneOf = None) -> WholeFormView:
    must_be_on(await must_see_client(services, caller, client_id), caller, "forms")
    async with services.sessions() as session:
        asked = [form for form in await asked_of(session, client_id, kind) if form_id in (None, form.id)]
        if not asked:
            raise not_found("form")
        form = asked[-1]
        template = await template_of(session, kind=kind, version=form.version)
        answer = await answer_to(session, form.id)
    title = template.title if template else INTAKE_FORMS[FormKind(kind)].title
    more: dict[str, Any] = {}
    if answer is not None:
        more = answer.model_dump(include={"answers", "signature"})
        if caller.is_practice:
            more["answered_by"] = answer.answered_by
    return WholeFormView(
        **form_view(form, caller=caller, title=title).model_dump(),
        fields=fields_view(template) if template else None,
        **more,
    )


# ---------------------------------------------------------------- asking


class AskingBody(Body):
    kind: Annotated[str, Field(max_length=form_templates.LONGEST_KIND, description="Of one of the practice's forms.")]


@router.post(
    "/clients/{client_id}/forms",
    status_code=201,
    summary="Ask for a form",
    responses=responses(Problem.NOT_FOUND, Problem.CLIENT_ARCHIVED),
)
async def ask(*, client_id: UUID, body: AskingBody, services: Svc, caller: Practice, request_id: RequestId) -> FormView:
    """In its newest version. One that is still open is not asked for twice: the answer is then that one."""
    await must_see_client(services, caller, client_id)
    order = FormAsking(request_id=str(request_id), client_id=str(client_id), by=caller, kind=body.kind)
    done = await journey_done(services, REQUEST_FORM, order, client_id=client_id, request_id=request_id)
    form_id = UUID((done.document or {})["form_id"])
    async with services.sessions() as session:
        form = await session.get_one(FormRequest, form_id)
        return form_view(form, caller=caller, title=_title(form, await titles_of(session, [form])))


# ---------------------------------------------------------------- answering


class FormBody(Body):
    """The answers of one form. To Billing Info belong ``setup_intent``, the card setup that Stripe confirmed, and
    ``consent_version``, that of the text which the client was shown: another one is refused.
    """

    answers: Json
    signature: Line
    setup_intent: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{3,200}$")] | None = None
    consent_version: Line | None = None


@router.put(
    "/clients/{client_id}/forms/{kind}",
    summary="Complete a form",
    responses=responses(Problem.NOT_FOUND),
)
async def complete(
    *, client_id: UUID, kind: str, body: FormBody, services: Svc, caller: Known, request_id: RequestId
) -> FormView:
    """One of the practice's forms is answered by the version that was asked for, and once for each asking."""
    client = await must_see_client(services, caller, client_id)
    if kind != FormKind.BILLING_INFO:  # a card can be given whatever is switched off
        must_be_on(client, caller, "forms")
    if kind not in INTAKE_FORMS:
        return await _complete_own(services, caller, client_id, kind, body, request_id=request_id)
    errors = check_answers(kind, body.answers, body.signature)
    if kind == FormKind.BILLING_INFO and body.setup_intent is None:
        errors["setup_intent"] = "is required with Billing Info; ask for a card setup first"
    if kind != FormKind.BILLING_INFO and body.setup_intent is not None:
        errors["setup_intent"] = "belongs to Billing Info"
    if body.consent_version is not None and kind != FormKind.BILLING_INFO:
        errors["consent_version"] = "belongs to Billing Info"
    elif body.consent_version not in (None, FEE_POLICY_VERSION):
        errors["consent_version"] = "is of a text that has changed; show the one of the card setup"
    if errors:
        raise wrong_fields(list(errors.items()))
    order = FormSubmission(
        request_id=str(request_id),
        client_id=str(client_id),
        by=caller,
        kind=kind,
        answers=body.answers,
        signature=body.signature,
        setup_intent=body.setup_intent,
    )
    await journey_done(services, SUBMIT_FORM, order, client_id=client_id, request_id=request_id)
    async with services.sessions() as session:
        forms = [form for form in await forms_of(session, client_id) if form.kind == kind]
    if not forms:
        raise EngineUnavailable
    form = max(forms, key=lambda form: form.version)
    return form_view(form, caller=caller, title=INTAKE_FORMS[FormKind(kind)].title)


async def _complete_own(
    services: Services, caller: Caller, client_id: UUID, kind: str, body: FormBody, *, request_id: UUID
) -> FormView:
    async with services.sessions() as session:
        asked = await asked_of(session, client_id, kind)
        template = await template_of(session, kind=kind, version=asked[-1].version) if asked else None
    if template is None:
        raise not_found("form")
    form = asked[-1]
    errors = form_templates.check_answers(
        [FormField.from_document(field) for field in template.fields], body.answers, body.signature
    )
    for name in ("setup_intent", "consent_version"):
        if getattr(body, name) is not None:
            errors[name] = "belongs to Billing Info"
    if errors:
        raise wrong_fields(list(errors.items()))
    order = FormCompletion(
        request_id=str(request_id),
        client_id=str(client_id),
        by=caller,
        form_id=str(form.id),
        answers=body.answers,
        signature=body.signature,
    )
    _ = await journey_done(services, COMPLETE_FORM, order, client_id=client_id, request_id=request_id)
    async with services.sessions() as session:
        fresh = await session.get_one(FormRequest, form.id)
    return form_view(fresh, caller=caller, title=template.title)


# ---------------------------------------------------------------- the card


class CardSetup(BaseModel):
    """What Stripe's own form in the browser needs to save a card, and the text that the client agrees to."""

    customer: str
    setup_intent: str
    client_secret: str
    consent_text: str = FEE_POLICY_TEXT
    consent_version: str = FEE_POLICY_VERSION


@router.post(
    "/clients/{client_id}/card-setup",
    status_code=201,
    summary="Prepare the saving of a card",
    responses=responses(Problem.NOT_FOUND),
)
async def set_up_card(*, client_id: UUID, services: Svc, caller: Known, request_id: RequestId) -> CardSetup:
    await must_see_client(services, caller, client_id)
    order = LinkOrder(request_id=str(request_id), client_id=str(client_id), by=caller)
    done = await journey_done(services, SET_UP_CARD, order, client_id=client_id, request_id=request_id)
    return CardSetup(**(done.document or {}))
