"""Therapists and appointments, as they are answered."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from activities.types.facts import AppointmentFacts, AppointmentShown, PaymentFacts
from api.access_log.marking import OfClient, WhoseView
from api.views.base import PracticeOnly, SignedInOnly, View
from api.views.lists import MoneyView
from api.views.money import PaymentView
from models.reads.booking.appointments import AppointmentRow
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.money.payment import Payment
from rules.accounts.caller import Caller
from rules.booking.eligibility import unmarkable_until
from rules.enums import AppointmentStatus, AppointmentType, IntroCalls, Mode, Role
from rules.journey.stage import JourneyFacts
from rules.money.fees import change_until
from rules.time_words import in_words


class LicenceView(View):
    state: str
    number: str


class TherapistView(View):
    """The public profile; the last lines are for the practice. ``photo``: the hash of their picture, which ``GET
    /v1/therapists/{slug}/photo`` shows; null where there is none."""

    slug: str
    name: str
    time_zone: str
    licensed_in: list[str]
    licences: list[LicenceView]
    credentials: str | None
    about: str | None
    photo: str | None
    concerns: list[str]
    languages: list[str]
    modalities: list[str]
    gender: str | None
    insurances: list[str]
    session_fee: MoneyView
    intro_calls: IntroCalls
    accepting_clients: bool
    booking_url: str
    email: PracticeOnly[str] = ""
    zoom_link: PracticeOnly[str | None] = None
    caseload_limit: PracticeOnly[int | None] = None
    active_clients: PracticeOnly[int] = 0


def therapist_view(therapist: Therapist, *, caller: Caller | None, public_url: str, active: int) -> TherapistView:
    """What is for the practice alone is told to staff, and to therapists of themselves."""
    sees_all = caller is not None and (caller.keeps_profiles or caller.therapist == therapist.slug)
    return TherapistView.of(
        therapist,
        caller=caller if sees_all else None,
        session_fee=MoneyView(amount=therapist.session_fee_amount, currency=therapist.session_fee_currency),
        booking_url=f"{public_url}/book/{therapist.slug}",
        active_clients=active,
    )


class AppointmentView(View, OfClient):
    """``every``: of a series, how many weeks its appointments lie apart. ``client``: for the practice. A therapist sees
    of a former client the appointments that they had, and whose they are, and nothing else. ``notice_window``: until
    when before it the client side may change it, as the fee policy of that version says it, and ``change_until`` when
    that is; of an intro call its start. ``undo_until``: until when its outcome can be taken back; null where there is
    none, or it cannot be."""

    id: UUID
    client_id: UUID
    client: PracticeOnly[WhoseView | None] = None
    therapist: str
    type: AppointmentType
    status: AppointmentStatus
    starts_at: datetime
    ends_at: datetime
    mode: Mode
    join_url: str | None
    series_id: UUID | None
    every: int | None
    fee: MoneyView
    fee_policy_version: int
    notice_window: str
    change_until: datetime
    booked_by: str
    booked_at: datetime
    complete_forms_in_session: bool
    outstanding_forms: SignedInOnly[list[str]] = Field(default=[])
    payment: SignedInOnly[PaymentView | None] = None
    cancelled_at: PracticeOnly[datetime | None] = None
    cancelled_by: PracticeOnly[str | None] = None
    cancel_reason: PracticeOnly[str | None] = None
    outcome_at: PracticeOnly[datetime | None] = None
    outcome_by: PracticeOnly[str | None] = None
    undo_until: PracticeOnly[datetime | None] = None
    breached_at: PracticeOnly[datetime | None] = None
    restored_from: PracticeOnly[UUID | None] = None

    @classmethod
    def of_row(cls, row: AppointmentRow, *, caller: Caller, **more: Any) -> Self:
        whose = WhoseView(ref=row.client.ref, name=row.client.full_name)
        undo = _undo_until(row.appointment.status, row.payment, row.appointment.outcome_at)
        more = {"client": whose, "test": row.client.test, "undo_until": undo, **more}
        return cls._of(row.appointment, row.appointment, row.payment, row, caller=caller, **more)

    @classmethod
    def of_answer(
        cls, answer: AppointmentFacts | None, journey: JourneyFacts | None, *, caller: Caller, **more: Any
    ) -> Self:
        """What a step has just read is not read again. Why it was cancelled no step answers: whoever knows says it."""
        if answer is None or journey is None:
            raise LookupError("a change was neither refused nor made")
        if answer.shown is None:
            raise LookupError(f"appointment {answer.id} was answered by a step of an older version")
        whose = WhoseView(ref=answer.ref, name=answer.shown.client_name)
        undo = _undo_until(answer.status, answer.payment, answer.shown.outcome_at)
        more = {"cancel_reason": None, "client": whose, "undo_until": undo, **more}
        return cls._of(answer.shown, answer, answer.payment, answer, journey, caller=caller, **more)

    @classmethod
    def _of(
        cls,
        terms: Appointment | AppointmentShown,
        when: Appointment | AppointmentFacts,
        payment: Payment | PaymentFacts | None,
        *beside: object,
        caller: Caller,
        **more: Any,
    ) -> Self:
        fee = MoneyView(amount=terms.fee_amount, currency=terms.fee_currency)
        paid = PaymentView.of(payment, caller=caller) if payment else None
        agreed = terms.agreed if isinstance(terms, Appointment) else terms
        notice = in_words(agreed.notice_window)
        until = change_until(type=when.type, starts_at=when.starts_at, notice_window=agreed.notice_window)
        made: dict[str, Any] = {"fee": fee, "payment": paid, "notice_window": notice, "change_until": until}
        return cls.of(terms, *beside, caller=caller, **made, **more)


def _undo_until(
    status: AppointmentStatus, payment: Payment | PaymentFacts | None, marked_at: datetime | None
) -> datetime | None:
    return unmarkable_until(
        status=status,
        payment=payment.status if payment else None,
        due_at=payment.due_at if payment else None,
        marked_at=marked_at,
    )


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
