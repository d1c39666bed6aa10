"""Therapists and appointments, as they are answered."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel

from activities.types.facts import AppointmentFacts, AppointmentShown, PaymentFacts
from api.views.base import PracticeOnly, View
from api.views.lists import MoneyView
from api.views.money import PaymentView
from models.reads.booking.appointments import AppointmentRow
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.money.payment import Payment
from rules.accounts.caller import Caller
from rules.enums import AppointmentStatus, AppointmentType, IntroCalls, Mode, Role
from rules.journey.stage import JourneyFacts


class TherapistView(BaseModel):
    """The public profile; the last lines are for the practice."""

    slug: str
    name: str
    time_zone: str
    licensed_in: list[str]
    concerns: list[str]
    languages: list[str]
    modalities: list[str]
    gender: str | None
    insurances: list[str]
    session_fee: MoneyView
    intro_calls: IntroCalls
    accepting_clients: bool
    booking_url: str
    email: str = ""
    zoom_link: str | None = None
    caseload_limit: int | None = None
    active_clients: int = 0


def may_see_more(caller: Caller | None, slug: str) -> bool:
    return caller is not None and (caller.is_staff or caller.therapist == slug)


def therapist_view(therapist: Therapist, *, caller: Caller | None, public_url: str, active: int) -> TherapistView:
    more: dict[str, Any] = {}
    if may_see_more(caller, therapist.slug):
        more = {
            "email": therapist.email,
            "zoom_link": therapist.zoom_link,
            "caseload_limit": therapist.caseload_limit,
            "active_clients": active,
        }
    return TherapistView(
        slug=therapist.slug,
        name=therapist.name,
        time_zone=therapist.time_zone,
        licensed_in=therapist.licensed_in,
        concerns=therapist.concerns,
        languages=therapist.languages,
        modalities=therapist.modalities,
        gender=therapist.gender,
        insurances=therapist.insurances,
        session_fee=MoneyView(amount=therapist.session_fee_amount, currency=therapist.session_fee_currency),
        intro_calls=therapist.intro_calls,
        accepting_clients=therapist.accepting_clients,
        booking_url=f"{public_url}/book/{therapist.slug}",
        **more,
    )


class AppointmentView(View):
    id: UUID
    client_id: UUID
    therapist: str
    type: AppointmentType
    status: AppointmentStatus
    starts_at: datetime
    ends_at: datetime
    mode: Mode
    join_url: str | None
    series_id: UUID | None
    fee: MoneyView
    booked_by: str
    booked_at: datetime
    complete_forms_in_session: bool
    outstanding_forms: list[str]
    payment: PaymentView | None
    cancelled_at: PracticeOnly[datetime | None] = None
    cancelled_by: PracticeOnly[str | None] = None
    cancel_reason: PracticeOnly[str | None] = None
    outcome_at: PracticeOnly[datetime | None] = None
    outcome_by: PracticeOnly[str | None] = None
    breached_at: PracticeOnly[datetime | None] = None
    restored_from: PracticeOnly[UUID | None] = None

    @classmethod
    def of_row(cls, row: AppointmentRow, *, caller: Caller, **more: Any) -> Self:
        return cls._of(row.appointment, row.payment, row, caller=caller, **more)

    @classmethod
    def of_answer(
        cls, answer: AppointmentFacts | None, journey: JourneyFacts | None, *, caller: Caller, **more: Any
    ) -> Self:
        """What a step has just read is not read again."""
        if answer is None or journey is None:
            raise LookupError("a change was neither refused nor made")
        if answer.shown is None:
            raise LookupError(f"appointment {answer.id} was answered by a step of an older version")
        return cls._of(answer.shown, answer.payment, answer, journey, caller=caller, **more)

    @classmethod
    def _of(
        cls,
        terms: Appointment | AppointmentShown,
        payment: Payment | PaymentFacts | None,
        *beside: object,
        caller: Caller,
        **more: Any,
    ) -> Self:
        fee = MoneyView(amount=terms.fee_amount, currency=terms.fee_currency)
        paid = PaymentView.of(payment, caller=caller) if payment else None
        return cls.of(terms, *beside, caller=caller, fee=fee, payment=paid, **more)


def seen_by(
    caller: Caller, answered: Iterable[AppointmentFacts], journey: JourneyFacts | None
) -> list[AppointmentFacts]:
    """Of a step's answer what the caller may see, in the order of time: a therapist sees their own appointments, and
    all of a client who is theirs."""
    if journey is None:
        return []
    return [
        facts
        for facts in sorted(answered, key=lambda facts: (facts.starts_at, facts.id))
        if caller.role is not Role.THERAPIST or caller.therapist in (facts.therapist, journey.therapist)
    ]
