"""The ways in: a matching form, a therapist's profile, or somebody of the practice."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access_log.declared import shows_no_client
from api.access_log.marking import OfClient
from api.accounts.on_behalf import new_pass
from api.accounts.signing_in.sign_ins import spend, unspend
from api.bodies import Body, ClientDetailsBody, Flag, Note, Slug
from api.commands import Command, commands_of
from api.deps import PRACTICE, ForWhom, Now, Services
from api.idempotency import IdempotentRoute
from api.matching.answers import AnswersBody, in_words
from api.problems import EngineUnavailable, Refused, refuse, responses, wrong_fields
from api.views.matches import MatchView
from models.reads.booking.therapists import therapist_by_slug
from models.reads.clients.form_words import offered_by_nobody
from models.reads.clients.matches import as_begun
from rules.accounts.budgets import Budget, BudgetKind, CountedFor, budget, shared_budgets
from rules.accounts.caller import Caller
from rules.accounts.limits import JOURNEYS_WITHIN
from rules.enums import Role, Source, Stage
from rules.journey.stage import stage_of
from rules.refusals import Problem, Refusal
from workflows.messages import BEGIN

router = APIRouter(
    prefix="/v1",
    tags=["journeys"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("what was just given, and who fits")],
)

BySiteOrPractice = Annotated[Command, Depends(commands_of(Role.BOOKING_SITE, *PRACTICE))]


class JourneyBody(Body):
    """A therapist adds clients of their own by ``care_team``: ``therapist`` is then themselves, said or not."""

    source: Source
    answers: AnswersBody | None = None
    therapist: Slug | None = None
    note: Note | None = None
    client: ClientDetailsBody | None = Field(default=None, serialization_alias="details")
    test: Flag = False


class NotOfferedView(BaseModel):
    """A word of the form's that was asked for, and that no therapist who takes clients offers now."""

    field: str
    code: str
    name: str


class JourneyView(OfClient):
    """``match`` is null when nobody fits; ``contact_required`` says that no address is known to answer to.
    ``not_offered``: of a matching form, what was asked for and no therapist offers now. ``pass`` is the booking site's,
    to go on with for this client until the account is activated."""

    model_config = ConfigDict(populate_by_name=True)

    client_id: UUID
    ref: str
    stage: Stage
    match: MatchView | None
    booking_url: str | None
    contact_required: bool = False
    not_offered: list[NotOfferedView] = Field(default_factory=list)
    token: str | None = Field(default=None, alias="pass")


_FIELDS = {
    Source.MATCHING_FORM: ("answers",),
    Source.DIRECT_BOOKING: ("therapist",),
    Source.CARE_TEAM: ("therapist", "note"),
}


def _check(body: JourneyBody) -> None:
    """Each way in has its own fields beside ``client`` and ``test``."""
    own = _FIELDS[body.source]
    wrong = [
        (name, f"is not a field of a {body.source.value} request")
        for name in ("answers", "therapist", "note")
        if name not in own and getattr(body, name) is not None
    ]
    if getattr(body, own[0]) is None:
        wrong.append((own[0], "is required"))
    if wrong:
        raise wrong_fields(wrong)


def _to_themselves(body: JourneyBody, therapist: Caller) -> JourneyBody:
    """Who else a client is given to is the care team's to decide. Raises Refused."""
    if body.source is not Source.CARE_TEAM:
        raise refuse(Problem.NOT_ALLOWED, f"A therapist adds a client by the source {Source.CARE_TEAM.value}.")
    if body.therapist not in (None, therapist.therapist):
        raise refuse(Problem.NOT_ALLOWED, "A therapist adds clients of their own: the care team gives them to others.")
    return body.model_copy(update={"therapist": therapist.therapist})


@router.post(
    "/journeys",
    status_code=201,
    summary="Begin a client's journey",
    response_model_exclude_unset=True,
    responses={
        202: {"model": JourneyView, "description": "Nobody fits"},
        **responses(Problem.EMAIL_IN_USE, Problem.RATE_LIMITED),
    },
)
async def start_journey(
    *, body: JourneyBody, command: BySiteOrPractice, whom: ForWhom, now: Now, response: Response
) -> JourneyView:
    services, caller = command.services, command.caller
    if caller.role is Role.THERAPIST:
        body = _to_themselves(body, caller)
    _check(body)
    if body.source is Source.CARE_TEAM and not caller.is_practice:
        raise refuse(Problem.NOT_ALLOWED, "Only the practice begins a journey by hand.")
    if body.therapist is not None:
        async with services.sessions() as session:
            if await therapist_by_slug(session, body.therapist) is None:
                raise wrong_fields([("therapist", "there is no such therapist")])
    more: dict[str, Any] = {}
    if body.answers is not None:
        answers, more["not_offered"] = await _in_words(services, body.answers)
        body = body.model_copy(update={"answers": answers})
    own = () if caller.is_practice else _budgets(whom, command)
    # The same request again, after an answer that said so, begins the same journey, and has been counted.
    once = budget(BudgetKind.REQUEST, str(command.request_id), most=1, within=JOURNEYS_WITHIN)
    await spend(services.sessions, *own, now=now, unless=once)
    client_id = command.id_of("client")
    order = command.order(BEGIN.argument, body, client_id=client_id, note=body.note or None)
    new = await command.hand_in(order, about=client_id)
    try:
        opened = await services.engine.start(new)
    except Refused as refused:
        await unspend(services.sessions, *((*own, once) if own else ()), at=now)
        raise Refused(for_journey(refused.refusal)) from None
    if opened.facts is None:
        raise EngineUnavailable
    token, explained = await _begun(services, client_id, by_practice=caller.is_practice, now=now)
    if token is not None:
        more["token"] = token
    if opened.match is None:
        more["contact_required"] = opened.contact_required
        response.status_code = 202
    url = f"{services.settings.public_url}/book/{opened.therapist}" if opened.therapist else None
    return JourneyView(
        client_id=client_id,
        ref=opened.facts.ref,
        test=body.test,
        stage=stage_of(opened.facts, as_if_active=not caller.is_practice),
        match=explained or (MatchView.of_document(opened.match) if opened.match else None),
        booking_url=url,
        **more,
    )


async def _in_words(services: Services, answers: AnswersBody) -> tuple[AnswersBody, list[NotOfferedView]]:
    """The answers by the codes of their words, and of these what nobody offers. Raises Refused for other words."""
    async with services.sessions() as session:
        answers, asked = await in_words(session, services.settings, answers)
        missed = await offered_by_nobody(session, [(part, word.code) for _, part, word in asked])
    not_offered = [
        NotOfferedView(field=f"answers.{field}", code=word.code, name=word.name)
        for field, part, word in asked
        if (part, word.code) in missed
    ]
    return answers, not_offered


def _budgets(whom: CountedFor, command: Command) -> tuple[Budget, ...]:
    most = command.services.settings.policy.journeys_per_visitor
    return shared_budgets(BudgetKind.JOURNEYS_OF_VISITOR, whom, most=most, within=JOURNEYS_WITHIN)


async def _begun(
    services: Services, client_id: UUID, *, by_practice: bool, now: datetime
) -> tuple[str | None, MatchView | None]:
    """A pass, and the match of the form, with every factor: it stands in the database alone. No pass for the practice,
    nor for a client who has an account by now, when the same request is sent again."""
    async with services.sessions() as session:
        may_have_a_pass, form = await as_begun(session, client_id)
        explained = MatchView.of_document(form.explanation) if form is not None else None
        if by_practice or not may_have_a_pass:
            return None, explained
        token = new_pass(session, client_id, until=now + services.settings.policy.anonymous_ttl, at=now)
        await session.commit()
    return token, explained


def for_journey(refusal: Refusal) -> Refusal:
    """Details stand under ``client`` in this request: so do their errors."""
    errors = refusal.data.get("errors")
    if refusal.name is not Problem.VALIDATION_FAILED or not errors:
        return refusal
    placed = [
        {**line, "field": f"client.{line['field']}"} if line["field"] in ClientDetailsBody.model_fields else line
        for line in errors
    ]
    return Refusal(name=refusal.name, detail=refusal.detail, data={**refusal.data, "errors": placed})
