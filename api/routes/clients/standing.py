"""Where a client's journey stands: what it waits for, what comes next; and who could be their therapist today."""

import json
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows
from api.access_log.marking import OfClient
from api.bodies import Body
from api.deps import Now, Practice, Svc
from api.idempotency import IdempotentRoute
from api.matching.answers import AnswersBody, in_words
from api.problems import must_find, responses
from api.views.base import View
from api.views.matches import FactorScoreView
from models.reads.clients.candidates import candidates_record, earliest_slots
from models.reads.clients.clients import visible_client
from models.reads.clients.matches import form_match_of
from models.reads.journey import journey_facts
from models.reads.keeping.settings import settings_in_force
from models.reads.money.balance import payment_line
from models.reads.money.payments import all_payments_of
from models.reads.outbox import reminders_done
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from rules.accounts.accesses import AccessKind
from rules.clients.answers import Answers
from rules.clients.awaited import awaited_of
from rules.clients.candidates import candidates_of
from rules.clients.matching import decide, score
from rules.enums import Role, Stage
from rules.journey.reminders import journey_plan, open_plan
from rules.journey.settings import plan_in_force
from rules.journey.stage import stage_of
from rules.refusals import Problem
from workflows.messages import journey_id

router = APIRouter(prefix="/v1", tags=["clients"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.RECORD)])


class WayView(View):
    """``how`` is a call, or a sentence where it is none."""

    who: Role
    how: str


class AwaitedView(BaseModel):
    """``until``: when something else happens if nobody acts; null where nothing does. ``about``: the id of the
    appointment, payment or task that it is about."""

    what: str
    until: datetime | None
    about: str | None
    who: list[Role]
    how: list[WayView]


class NextView(View):
    """What happens by itself: ``kind`` is the name of a mail, or of what is recorded or opened then."""

    at: datetime
    kind: str


class JourneyStandingView(OfClient):
    """``temporal_ui`` is where the journey is seen in the Temporal UI; null where its address is not set. ``closed``:
    it waits for nothing any more."""

    client_id: UUID
    ref: str
    stage: Stage
    therapist: str | None
    closed: bool
    awaited: list[AwaitedView]
    next: list[NextView]
    workflow_id: str
    temporal_ui: str | None


@router.get(
    "/clients/{client_id}/journey",
    summary="Where a journey stands, what it waits for, and who can act",
    responses=responses(Problem.NOT_FOUND),
)
async def get_journey(*, client_id: UUID, services: Svc, caller: Practice, now: Now) -> JourneyStandingView:
    """Read from the database, from which the journey itself follows; times are those of the settings in force."""
    policy = services.settings.policy
    async with services.sessions() as session:
        client = must_find("client", await visible_client(session, caller, client_id))
        facts = await journey_facts(session, client, now=now)
        done = await reminders_done(session, client_id)
        payments = await all_payments_of(session, client_id)
        settings = await settings_in_force(session, policy)
    closed = client.closed_at is not None
    plan = plan_in_force(settings, lambda policy: journey_plan(facts, policy=policy, now=now)) if not closed else []
    plan = open_plan(plan, done=done)
    awaited = awaited_of(
        facts,
        client_id=str(client_id),
        plan=plan,
        payments=map(payment_line, sorted(payments, key=lambda payment: (payment.due_at, payment.id))),
        policy=policy,
        now=now,
    )
    workflow_id = journey_id(str(client_id))
    return JourneyStandingView(
        client_id=client_id,
        test=client.test,
        ref=client.ref,
        stage=stage_of(facts),
        therapist=facts.therapist,
        closed=closed,
        awaited=[
            AwaitedView(
                what=one.what,
                until=one.until,
                about=one.about,
                who=list(dict.fromkeys(way.who for way in one.ways)),
                how=[WayView.of(way) for way in one.ways],
            )
            for one in (awaited if not closed else ())
        ],
        next=[NextView.of(due) for due in plan],
        workflow_id=workflow_id,
        temporal_ui=services.settings.seen_in_ui(workflow_id),
    )


# ---------------------------------------------------------------- who could be their therapist


class CandidateView(View):
    """``score`` and ``factors`` as in a match; ``earliest_slot``: of an intro call, or of a session where intro calls
    are off. ``present``: the client has them now."""

    therapist: str
    name: str
    score: float
    factors: list[FactorScoreView]
    earliest_slot: datetime | None
    present: bool


class RuledOutView(View):
    therapist: str
    name: str
    because: str
    present: bool


class CandidatesView(OfClient):
    """``by_form``: by what the matching form said. Without a form nothing was asked: then it counts who takes clients,
    has a place, and is licensed where the client lives, as far as that is known."""

    client_id: UUID
    by_form: bool
    weights_version: str
    candidates: list[CandidateView]
    ruled_out: list[RuledOutView]


@router.get(
    "/clients/{client_id}/candidates",
    summary="Today's therapists for a client, the best first, with why",
    dependencies=[shows(AccessKind.FORMS)],
    responses=responses(Problem.NOT_FOUND),
)
async def list_candidates(*, client_id: UUID, services: Svc, caller: Practice, now: Now) -> CandidatesView:
    """As the form would be matched at this moment; nothing is changed, and the client keeps their therapist."""
    async with services.sessions() as session:
        client = must_find("client", await visible_client(session, caller, client_id))
        form = await form_match_of(session, client_id)
        answers = Answers.of_document(form.answers) if form else Answers(state=client.state or "", modality="")
        return await _candidates(session, client, answers, by_form=form is not None, now=now)


class CandidatesBody(Body):
    answers: AnswersBody


@router.post(
    "/clients/{client_id}/candidates",
    summary="Today's therapists for a client by other answers than the form's; nothing is changed",
    dependencies=[shows(AccessKind.FORMS)],
    responses=responses(Problem.NOT_FOUND),
)
async def list_candidates_by_answers(
    *, client_id: UUID, body: CandidatesBody, services: Svc, caller: Practice, now: Now
) -> CandidatesView:
    """For a client who says more on the phone. What the form said stays as it is."""
    async with services.sessions() as session:
        client = must_find("client", await visible_client(session, caller, client_id))
        answers, _ = await in_words(session, services.settings, body.answers)
        wanted = Answers.of_document(answers.model_dump(exclude_none=True))
        return await _candidates(session, client, wanted, by_form=True, now=now)


async def _candidates(
    session: AsyncSession, client: Client, answers: Answers, *, by_form: bool, now: datetime
) -> CandidatesView:
    everybody = candidates_of(json.loads(await candidates_record(session)))
    names = {one.slug: one.name for one in everybody}
    scored = score(answers=answers, candidates=everybody, most=None)
    fitting = [one.slug for _, group in scored.groups for one in group]
    slots = await earliest_slots(session, fitting, now)
    present = await session.get(Therapist, client.therapist_id) if client.therapist_id else None
    found = decide(scored, earliest=slots, most=None)
    own = present.slug if present is not None else None
    return CandidatesView(
        client_id=client.id,
        test=client.test,
        by_form=by_form,
        weights_version=found.weights.version,
        candidates=[
            CandidateView(
                therapist=one.slug,
                name=one.name,
                score=one.score,
                factors=[FactorScoreView(**factor.to_document()) for factor in one.factors],
                earliest_slot=slots.get(one.slug),
                present=one.slug == own,
            )
            for one in found.ranked
        ],
        ruled_out=[
            RuledOutView.of(one, name=names[one.therapist], present=one.therapist == own) for one in found.ruled_out
        ],
    )
