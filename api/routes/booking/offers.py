"""Offers: what a client, or the practice for them, may book now, type by type; and what stands in the way."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, WithJsonSchema
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows
from api.deps import ForWhom, Known, Now, Services, Svc
from api.idempotency import IdempotentRoute
from api.problems import NAMES, document_of, must_find, refuse, responses
from api.views.lists import MoneyView
from models.reads.booking.hours import load_availability
from models.reads.booking.may_book import counted_when_booking, refuse_to_book, refuse_unconfirmed
from models.reads.clients.clients import visible_client
from models.reads.journey import journey_facts
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from rules.accounts.accesses import AccessKind
from rules.accounts.budgets import CountedFor
from rules.accounts.caller import Caller
from rules.booking.eligibility import missing_details
from rules.booking.series import DEFAULT_WEEKS, EVERY, MOST_WEEKS, RECOMMENDED_WEEKS
from rules.enums import AppointmentType, Mode
from rules.journey.stage import JourneyFacts
from rules.refusals import Problem, Refusal

router = APIRouter(
    prefix="/v1", tags=["appointments"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.RECORD)]
)

_IN_THE_WAY = (
    Problem.BOOKING_DISABLED,
    Problem.CLIENT_DETAILS_REQUIRED,
    Problem.INTAKE_FORMS_INCOMPLETE,
    Problem.INTRO_CALL_NOT_OFFERED,
    Problem.INTRO_CALL_REQUIRED,
    Problem.NO_THERAPIST_ASSIGNED,
    Problem.NOT_ALLOWED,
    Problem.RATE_LIMITED,
)
_Document = Annotated[dict[str, Any] | None, WithJsonSchema({NAMES: _IN_THE_WAY})]


class SeriesOfferView(BaseModel):
    """``weeks`` of a booking may be from 2 to ``most``, at first ``default_weeks``, and from the first to the second of
    the ``recommended``; ``every`` so many weeks."""

    may_book: bool
    problem: _Document
    default_weeks: int = DEFAULT_WEEKS
    recommended: list[int] = Field(default=[*RECOMMENDED_WEEKS])
    most: int = MOST_WEEKS
    every: list[int] = Field(default=[*EVERY])


class TypeOfferView(BaseModel):
    """``may_book``: one appointment can be booked now, if the time is free; else ``problem`` is what a booking would be
    answered. ``offered``: nothing is in the way but the details that the first booking brings along, so a booking page
    shows it. Without a therapist there are no fee, no duration and no modes; ``free``: it costs nothing."""

    type: AppointmentType
    may_book: bool
    problem: _Document
    offered: bool
    single: bool
    series: SeriesOfferView | None
    fee: MoneyView | None
    free: bool
    duration: int | None
    modes: list[Mode]


class OffersView(BaseModel):
    """``details_required``: what the booking has to bring along, since it is not known yet."""

    therapist: str | None
    details_required: list[str]
    offers: list[TypeOfferView]


@router.get(
    "/clients/{client_id}/offers",
    summary="What can be booked now, and what stands in the way",
    responses=responses(Problem.NOT_FOUND),
)
async def list_offers(
    *, client_id: UUID, request: Request, services: Svc, caller: Known, whom: ForWhom, now: Now
) -> OffersView:
    """To the client side by its rules, to the practice by its own. Whether a time is free is another question."""
    async with services.sessions() as session:
        client = must_find("client", await visible_client(session, caller, client_id))
        if client.closed_at is not None or client.joined_into is not None:
            raise refuse(Problem.NOT_FOUND, "This journey was closed. Please begin a new one.")
        asked = await _OfferedTo.of(session, services, client, caller=caller, whom=whom, now=now)
    return OffersView(
        therapist=asked.therapist.slug if asked.therapist else None,
        details_required=list(missing_details(client.details())),
        offers=[asked.offer(kind, request) for kind in AppointmentType],
    )


@dataclass(frozen=True, kw_only=True)
class _OfferedTo:
    """One client as they stand now, and who asks for them. ``spent``: too much is booked already for whom it counts;
    ``durations`` in minutes."""

    client: Client
    therapist: Therapist | None
    facts: JourneyFacts
    caller: Caller
    spent: Refusal | None
    durations: dict[AppointmentType, int]

    @classmethod
    async def of(
        cls,
        session: AsyncSession,
        services: Services,
        client: Client,
        *,
        caller: Caller,
        whom: CountedFor,
        now: datetime,
    ) -> Self:
        therapist = await session.get(Therapist, client.therapist_id) if client.therapist_id else None
        facts = await journey_facts(session, client, now=now)
        counted = counted_when_booking(client, whom, by=caller)
        spent = None
        if counted is not None:
            spent = await refuse_unconfirmed(session, counted, policy=services.settings.policy, now=now)
        durations = {}
        if therapist is not None:
            settings = (await load_availability(session, therapist)).settings
            durations = {kind: settings[kind].duration for kind in settings}
        return cls(client=client, therapist=therapist, facts=facts, caller=caller, spent=spent, durations=durations)

    def offer(self, kind: AppointmentType, request: Request) -> TypeOfferView:
        refusal = self._refusal(kind, weeks=1)
        fee = self._fee(kind)
        return TypeOfferView(
            type=kind,
            may_book=refusal is None,
            problem=document_of(request, refusal) if refusal else None,
            offered=self._refusal(kind, weeks=1, details_come=True) is None,
            single=refusal is None,
            series=self._series(request) if kind is AppointmentType.SESSION else None,
            fee=fee,
            free=fee is not None and fee.amount == 0,
            duration=self.durations.get(kind),
            modes=self._modes(),
        )

    def _series(self, request: Request) -> SeriesOfferView:
        refusal = self._refusal(AppointmentType.SESSION, weeks=DEFAULT_WEEKS)
        problem = document_of(request, refusal) if refusal else None
        return SeriesOfferView(may_book=refusal is None, problem=problem)

    def _refusal(self, kind: AppointmentType, *, weeks: int, details_come: bool = False) -> Refusal | None:
        return (
            refuse_to_book(
                self.client,
                self.therapist,
                self.facts,
                type=kind,
                weeks=weeks,
                by=self.caller,
                details_come=details_come,
            )
            or self.spent
        )

    def _fee(self, kind: AppointmentType) -> MoneyView | None:
        if self.therapist is None:
            return None
        amount = self.therapist.session_fee_amount if kind is AppointmentType.SESSION else 0
        return MoneyView(amount=amount, currency=self.therapist.session_fee_currency)

    def _modes(self) -> list[Mode]:
        if self.therapist is None:
            return []
        return [mode for mode in Mode if mode is not Mode.ZOOM or self.therapist.zoom_link]
