"""Forms of a client: what is asked, looking at it, and answering it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field, StringConstraints
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows
from api.access_log.shown import holds_until
from api.accounts.portal import must_be_on
from api.bodies import Body, Json, Line, as_line
from api.commands import ByKnown, ByPractice, Command
from api.deps import ByTime, FromWhere, Known, Now, Svc, must_see_client
from api.idempotency import IdempotentRoute
from api.problems import not_found, responses, wrong_fields
from api.reading.versioned import MadeOf, versioned
from api.routes.forms.answerable import must_be_answerable, must_be_shown
from api.routes.forms.form_templates import FieldView, fields_view
from api.views.forms import FormFileView, FormView, form_file_view, form_view
from api.views.lists import Listed, listed
from models.paging import Page
from models.reads.forms.copies import hash_of_copy
from models.reads.forms.drafts import drafts_begun
from models.reads.forms.requests import answer_to, answered_by, asked_of, forms_of
from models.reads.forms.texts import text_of, titles_of, wording_of
from models.reads.forms.uploads import uploads_of
from models.reads.money.balance import saved_card
from models.sealed import Unreadable
from models.tables.forms.form import FormAnswer, FormRequest
from models.tables.forms.text import PracticeText
from rules.accounts.accesses import AccessKind
from rules.accounts.caller import Caller
from rules.enums import FormStatus
from rules.forms.drafts import DRAFTS_KEPT
from rules.forms.fields import LONGEST_TEXT, Errors, FormField, check_answers, files_in
from rules.forms.intake import BILLING_INFO, OF_ANOTHER_TEXT, OF_ANOTHER_VERSION
from rules.forms.templates import LONGEST_KIND
from rules.refusals import Problem
from workflows.messages import COMPLETE_FORM, REQUEST_FORM, SUBMIT_FORM

router = APIRouter(prefix="/v1", tags=["forms"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.FORMS)])


@router.get(
    "/clients/{client_id}/forms",
    dependencies=[versioned(MadeOf.ONE)],
    summary="A client's forms",
    responses=responses(Problem.NOT_FOUND),
)
async def list_forms(*, client_id: UUID, services: Svc, caller: Known, page: ByTime, now: Now) -> Listed[FormView]:
    """In the order in which they were asked for. A form that was asked for again stands there again."""
    must_be_on(await must_see_client(services, caller, client_id), caller, "forms")
    async with services.sessions() as session:
        rows, more = _after(await forms_of(session, client_id), page)
        views = await _views(session, rows, caller=caller, now=now)
    last = rows[-1] if more else None
    return listed(views, (last.requested_at, last.id) if last else None)


def _after(forms: Sequence[FormRequest], page: Page) -> tuple[Sequence[FormRequest], bool]:
    """The forms of this page, and whether more follow. They stand in an order that no column has."""
    first = 0
    if page.after is not None:
        ids = [form.id for form in forms]
        first = ids.index(page.after[1]) + 1 if page.after[1] in ids else len(ids)
    return forms[first : first + page.limit], len(forms) > first + page.limit


async def _views(
    session: AsyncSession, forms: Sequence[FormRequest], *, caller: Caller, now: datetime
) -> list[FormView]:
    """Of one client."""
    titles, answered = await titles_of(session, forms), await answered_by(session, forms)
    begun = await drafts_begun(session, forms[0].client_id, now=now) if forms else {}
    holds_until(*(at + DRAFTS_KEPT for at in begun.values()))
    return [
        form_view(
            form,
            caller=caller,
            title=titles[form.kind, form.version],
            answered_by=answered.get(form.id),
            begun_at=begun.get(form.kind),
        )
        for form in forms
    ]


class WholeFormView(FormView):
    """``body``: what is read before the questions, numbers and fee policy with it, and ``fields``: the questions, both
    in the version that was asked for. ``fee_policy_version``: which one is signed with it. Once it is complete:
    ``answers`` and ``signature``, the ``uploads`` that they name, the hash of the copy that was kept (``sha256``), and
    for the practice ``answered_by``.
    """

    body: str
    fee_policy_version: int | None
    fields: list[FieldView]
    answers: dict[str, Any] | None = None
    signature: str | None = None
    uploads: list[FormFileView] | None = None
    sha256: str | None = None
    answered_by: str | None = None


OneOf = Annotated[UUID | None, Query(description="Which asking, by its id; the newest unless one is named.")]


@router.get(
    "/clients/{client_id}/forms/{kind}",
    summary="One form: its questions, and the answers once it is complete",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.OPENING_REQUIRED),
)
async def get_form(
    *, client_id: UUID, kind: str, services: Svc, caller: Known, now: Now, form_id: OneOf = None
) -> WholeFormView:
    """The care team sees the answers of consent and billing info, and through an opening those of every other form."""
    must_be_on(await must_see_client(services, caller, client_id), caller, "forms")
    async with services.sessions() as session:
        asked = [form for form in await asked_of(session, client_id, kind) if form_id in (None, form.id)]
        if not asked:
            raise not_found("form")
        form = asked[-1]
        template = await text_of(session, kind=kind, version=form.version)
        answer = await answer_to(session, form.id)
        if answer is not None:
            await must_be_shown(session, caller, client_id, kind, now=now)
        [view] = await _views(session, [form], caller=caller, now=now)
        read = {
            "body": await wording_of(session, template) if template else "",
            "fee_policy_version": template.fee_policy_version if template else None,
            "fields": fields_view(template) if template else [],
        }
        more = await _signed(session, client_id, template, answer) if answer is not None else {}
    if answer is not None and caller.is_practice:
        more["answered_by"] = answer.answered_by
    return WholeFormView(**view.model_dump(), **read, **more)


async def _signed(
    session: AsyncSession, client_id: UUID, template: PracticeText | None, answer: FormAnswer
) -> dict[str, Any]:
    fields = [FormField.from_document(field) for field in template.fields] if template else []
    named = {} if isinstance(answer.answers, Unreadable) else files_in(fields, answer.answers)
    return {
        "answers": answer.answers,
        "signature": answer.signature,
        "uploads": [form_file_view(upload) for upload in await uploads_of(session, client_id, named)],
        "sha256": await hash_of_copy(session, answer.id),
    }


# ---------------------------------------------------------------- asking


class AskingBody(Body):
    kind: Annotated[str, Field(max_length=LONGEST_KIND, description="Of one of the practice's forms.")]


@router.post(
    "/clients/{client_id}/forms",
    status_code=201,
    summary="Ask for a form",
    responses=responses(Problem.NOT_FOUND, Problem.CLIENT_ARCHIVED),
)
async def request_form(*, client_id: UUID, body: AskingBody, command: ByPractice, now: Now) -> FormView:
    """In its newest version. One that is still open is not asked for twice: the answer is then that one."""
    await command.must_see_client(client_id)
    done = await command.ask(REQUEST_FORM, body, client_id=client_id)
    return await _fresh(command, UUID((done.document or {})["form_id"]), now=now)


async def _fresh(command: Command, form_id: UUID, *, now: datetime) -> FormView:
    async with command.services.sessions() as session:
        [view] = await _views(session, [await session.get_one(FormRequest, form_id)], caller=command.caller, now=now)
    return view


# ---------------------------------------------------------------- answering


# An empty one is told with all else that is wrong with the answers.
Signature = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_TEXT), BeforeValidator(as_line)]


class FormBody(Body):
    """The answers of one form. ``version``: of the form, as the client was shown it; another one than is to be answered
    now is refused, since nothing may be signed that was not read. To Billing Info belong ``setup_intent``, the card
    setup that Stripe confirmed, or ``checkout_session``, that of Stripe's page on which the card was given, which
    whoever has a card and signs again may leave out; and ``consent_version``, that of the text which the client was
    shown: another one is refused.
    """

    answers: Json
    signature: Signature
    version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    setup_intent: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{3,200}$")] | None = None
    checkout_session: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{3,200}$")] | None = None
    consent_version: Line | None = None


@router.put(
    "/clients/{client_id}/forms/{kind}",
    summary="Complete a form",
    responses=responses(Problem.NOT_FOUND),
)
async def complete_form(
    *, client_id: UUID, kind: str, body: FormBody, command: ByKnown, where: FromWhere, now: Now
) -> FormView:
    """A form is answered by the version that was asked for. One of the practice's once for each asking; an intake form
    may be completed before it is asked for, and completed again. What was shown and signed is kept as a copy. The
    practice completes a form together with the client, who types the signature and is mailed where the copy is.
    """
    client = await command.must_see_client(client_id)
    if kind != BILLING_INFO:  # a card can be given whatever is switched off
        must_be_on(client, command.caller, "forms")
    async with command.services.sessions() as session:
        form, template = await must_be_answerable(session, client_id, kind)
        errors = _check(template, body, has_card=saved_card(client) is not None)
        if errors:
            raise wrong_fields(list(errors.items()))
        context: dict[str, Any] = {"client_id": client_id, "network": where.network}
        asking = replace(command, read_in=session)
        if template.is_intake or form is None:
            done = await asking.ask(SUBMIT_FORM, body, kind=kind, **context)
        else:
            said = body.model_dump(include={"answers", "signature"})
            done = await asking.ask(COMPLETE_FORM, form_id=form.id, **said, **context)
    return await _completed(command, form, template, done.document, now=now)


async def _completed(
    command: Command, form: FormRequest | None, template: PracticeText, told: dict[str, Any] | None, *, now: datetime
) -> FormView:
    """The form that was read before, as the step says that it is now; read anew where it was complete already, or where
    another one was to be answered by then."""
    if told is None:
        assert form is not None, "what nobody asked for was not complete already"
        return await _fresh(command, form.id, now=now)
    if form is None or (str(form.id), form.version) != (told["form_id"], told["version"]):
        return await _fresh(command, UUID(told["form_id"]), now=now)
    form.status, form.completed_at = FormStatus.COMPLETE, datetime.fromisoformat(told["completed_at"])
    actor = command.caller.actor
    return form_view(form, caller=command.caller, title=template.title, answered_by=actor, begun_at=None)


def _check(template: PracticeText, body: FormBody, *, has_card: bool) -> Errors:
    errors = check_answers([FormField.from_document(field) for field in template.fields], body.answers, body.signature)
    if body.version not in (None, template.version):
        errors["version"] = OF_ANOTHER_VERSION
    return errors | _check_card(template, body, has_card=has_card)


def _check_card(template: PracticeText, body: FormBody, *, has_card: bool) -> Errors:
    """What is wrong with that which belongs to Billing Info alone."""
    errors: Errors = {}
    if template.kind != BILLING_INFO:
        given = body.model_dump(include={"setup_intent", "checkout_session", "consent_version"})
        return {name: "belongs to Billing Info" for name, value in given.items() if value is not None}
    if body.setup_intent is not None and body.checkout_session is not None:
        errors["checkout_session"] = "stands beside setup_intent; one of them names the card"
    if body.setup_intent is None and body.checkout_session is None and not has_card:
        errors["setup_intent"] = "is required with Billing Info; ask for a card setup first"
    if body.consent_version not in (None, str(template.fee_policy_version)):
        errors["consent_version"] = OF_ANOTHER_TEXT
    return errors
