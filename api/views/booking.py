"""Therapists and appointments, as they are answered."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from activities.types.facts import AppointmentFacts, AppointmentShown, PaymentFacts
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


class AppointmentView(BaseModel):
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
    # For the practice alone:
    cancelled_at: datetime | None = None
    cancelled_by: str | None = None
    cancel_reason: str | None = None
    outcome_at: datetime | None = None
    outcome_by: str | None = None
    breached_at: datetime | None = None
    restored_from: UUID | None = None


_TERMS = ("mode", "join_url", "series_id", "booked_by", "booked_at", "complete_forms_in_session")
_PRACTICE_ALONE = (
    "cancelled_at",
    "cancelled_by",
    "cancel_reason",
    "outcome_at",
    "outcome_by",
    "breached_at",
    "restored_from",
)


def appointment_view(row: AppointmentRow, *, caller: Caller) -> AppointmentView:
    return AppointmentView.model_validate(shown_of_row(row, caller=caller))


def shown_of_row(row: AppointmentRow, *, caller: Caller) -> dict[str, Any]:
    """The fields of an ``AppointmentView``, from what was read for it."""
    return {
        **_shown(row.appointment, row.appointment, row.payment, caller=caller),
        "therapist": row.therapist,
        "outstanding_forms": row.outstanding_forms,
    }


def shown_of_answer(
    appointments: Iterable[AppointmentFacts], journey: JourneyFacts | None, *, caller: Caller
) -> list[dict[str, Any]]:
    """The same from a step's answer, in the order of time: what the step has just read is not read again. Left out is
    what the caller may not see: a therapist sees their own appointments, and all of a client who is theirs."""
    if journey is None:
        return []
    return [
        {
            **_shown(facts, facts.shown, facts.payment, caller=caller),
            "therapist": facts.therapist,
            "outstanding_forms": journey.outstanding_forms,
        }
        for facts in sorted(appointments, key=lambda facts: (facts.starts_at, facts.id))
        if caller.role is not Role.THERAPIST or caller.therapist in (facts.therapist, journey.therapist)
    ]


def _shown(
    one: Appointment | AppointmentFacts,
    terms: Appointment | AppointmentShown | None,
    payment: Payment | PaymentFacts | None,
    *,
    caller: Caller,
) -> dict[str, Any]:
    if terms is None:
        raise LookupError(f"appointment {one.id} was answered by a step of an older version")
    names = (*_TERMS, *_PRACTICE_ALONE) if caller.is_practice else _TERMS
    return {
        **{name: getattr(one, name) for name in ("id", "client_id", "type", "status", "starts_at", "ends_at")},
        **{name: getattr(terms, name) for name in names},
        "fee": MoneyView(amount=terms.fee_amount, currency=terms.fee_currency),
        "payment": PaymentView.of(payment, caller=caller) if payment else None,
    }
