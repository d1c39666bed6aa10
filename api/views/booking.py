"""Therapists and appointments, as they are answered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from api.views.lists import MoneyView
from api.views.money import PaymentView
from models.reads.booking.appointments import AppointmentRow
from models.tables.booking.therapist import Therapist
from rules.accounts.caller import Caller
from rules.enums import AppointmentStatus, AppointmentType, IntroCalls, Mode


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
    appointment = row.appointment
    more = {name: getattr(appointment, name) for name in _PRACTICE_ALONE} if caller.is_practice else {}
    return AppointmentView(
        id=appointment.id,
        client_id=appointment.client_id,
        therapist=row.therapist,
        type=appointment.type,
        status=appointment.status,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        mode=appointment.mode,
        join_url=appointment.join_url,
        series_id=appointment.series_id,
        fee=MoneyView(amount=appointment.fee_amount, currency=appointment.fee_currency),
        booked_by=appointment.booked_by,
        booked_at=appointment.booked_at,
        complete_forms_in_session=appointment.complete_forms_in_session,
        outstanding_forms=list(row.outstanding_forms),
        payment=PaymentView.of(row.payment, caller=caller) if row.payment else None,
        **more,
    )
