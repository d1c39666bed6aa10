"""A client's match as it was made, with what the form said; made again, and tried with other weights."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access_log.declared import shows
from api.access_log.marking import OfClient
from api.bodies import Body
from api.deps import Practice, Svc
from api.idempotency import IdempotentRoute
from api.matching.answers import AnswersBody
from api.problems import must_find, not_found, responses, wrong_fields
from api.reading.versioned import MadeOf, versioned
from api.views.base import DescribedAs
from api.views.matches import MatchView
from models.reads.clients.clients import visible_client
from models.reads.clients.matches import considered_in, form_match_of, matches_of
from rules.accounts.accesses import AccessKind
from rules.clients.answers import Answers
from rules.clients.replaying import TRIED, moved, replay
from rules.clients.weights import Weights
from rules.refusals import Problem

router = APIRouter(prefix="/v1", tags=["clients"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.FORMS)])


class ClientMatchView(OfClient):
    """``match`` is the present one; null where there never was any. ``earlier`` are those before it, the newest first,
    and forms that nobody fitted. ``answers`` and ``note`` are the matching form's, null without one."""

    client_id: UUID
    match: MatchView | None
    earlier: list[MatchView]
    answers: Annotated[dict[str, Any], DescribedAs(AnswersBody)] | None
    note: str | None


@router.get(
    "/clients/{client_id}/match",
    dependencies=[versioned(MadeOf.ONE)],
    summary="The match with its reasons, and what the matching form said",
    responses=responses(Problem.NOT_FOUND),
)
async def get_match(client_id: UUID, services: Svc, caller: Practice) -> ClientMatchView:
    async with services.sessions() as session:
        must_find("client", await visible_client(session, caller, client_id))
        rows = await matches_of(session, client_id)
    documents = [MatchView.of(row) for row in rows]
    form = next((row.form for row in rows if row.form is not None), None)
    answers = dict(form.answers) if form is not None else None
    note = answers.pop("note", None) if answers is not None else None
    return ClientMatchView(
        client_id=client_id,
        match=documents[0] if documents else None,
        earlier=documents[1:],
        answers=answers,
        note=note or None,
    )


Share = Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)]


class WeightsBody(Body):
    """What each factor is worth, together exactly 1."""

    concerns: Share
    preferred_times: Share
    insurance: Share
    first_language: Share
    caseload: Share

    def to_try(self) -> Weights:
        """Raises Refused unless they are shares of one."""
        try:
            return Weights(version=TRIED, **self.model_dump())
        except ValueError:
            total = sum((Decimal(str(share)) for share in self.model_dump().values()), Decimal())  # as it was written
            raise wrong_fields([("weights", f"must together be exactly 1, not {total.normalize():f}")]) from None


class ReplayBody(Body):
    weights: WeightsBody | None = None


class StandingView(BaseModel):
    place: int
    score: float


class MovedView(BaseModel):
    """``before`` and ``after``: the place among those who are named, from 1, and the score; null for who is not."""

    therapist: str
    before: StandingView | None
    after: StandingView | None


class ReplayView(OfClient):
    """``match`` is the outcome of the same form with the same therapists, as they were at ``made_at``. ``same`` says
    whether it is the match that was made then, to the letter; ``moved`` who stands elsewhere or has another score."""

    client_id: UUID
    made_at: datetime
    match: MatchView
    same: bool
    moved: list[MovedView]


@router.post(
    "/clients/{client_id}/match/replay",
    summary="Make the match of the form again, or try other weights; nothing is changed",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def replay_match(client_id: UUID, services: Svc, caller: Practice, body: ReplayBody | None = None) -> ReplayView:
    weights = body.weights.to_try() if body is not None and body.weights is not None else None
    async with services.sessions() as session:
        must_find("client", await visible_client(session, caller, client_id))
        form = await form_match_of(session, client_id)
        if form is None:
            raise not_found("matching form of this client")
        considered = considered_in(form)
    again = replay(
        answers=Answers.of_document(form.answers),
        record=considered,
        explanation=form.explanation,
        weights=weights,
    ).to_document()
    return ReplayView(
        client_id=client_id,
        made_at=form.made_at,
        match=MatchView.of_document(again),
        same=again == form.explanation,
        moved=[MovedView.model_validate(each, from_attributes=True) for each in moved(form.explanation, again)],
    )
