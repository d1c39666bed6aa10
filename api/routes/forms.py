"""Intake forms: what is asked, and answering it; and the card that Billing Info saves."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.bodies import Body, Json, Line
from api.deps import Known, RequestId, Svc, must_see_client
from api.idempotency import IdempotentRoute
from api.outcomes import journey_done
from api.problems import EngineUnavailable, not_found, responses, wrong_fields
from api.views import FormView, Listed, form_view, listed
from models import queries
from rules.forms import FEE_POLICY_TEXT, FEE_POLICY_VERSION, INTAKE_FORMS, check_answers
from rules.refusals import Problem
from rules.words import FormKind
from workflows.messages import SET_UP_CARD, SUBMIT_FORM, FormSubmission, LinkOrder

router = APIRouter(prefix="/v1", tags=["forms"], route_class=IdempotentRoute)


@router.get("/clients/{client_id}/forms", summary="A client's forms", responses=responses(Problem.NOT_FOUND))
async def list_forms(*, client_id: UUID, services: Svc, caller: Known) -> Listed[FormView]:
    await must_see_client(services, caller, client_id)
    async with services.sessions() as session:
        forms = await queries.forms_of(session, client_id)
    return listed([form_view(form, caller=caller) for form in forms], None)


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
    await must_see_client(services, caller, client_id)
    if kind not in INTAKE_FORMS:
        raise not_found("form")
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
        forms = [form for form in await queries.forms_of(session, client_id) if form.kind == kind]
    if not forms:
        raise EngineUnavailable
    return form_view(max(forms, key=lambda form: form.version), caller=caller)


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
