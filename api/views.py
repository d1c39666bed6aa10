"""What the API answers. A client's side of the practice never learns of an archive: fields that would tell it are
left out of the answer altogether, not set to null."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel

from models.fact import Fact
from models.form import FormRequest
from models.match import Match
from models.paging import Page, cursor_of
from models.payment import Payment
from models.queries import AppointmentRow, ClientRow
from models.task import Task
from models.therapist import Therapist
from rules.people import Caller
from rules.words import (
    AppointmentStatus,
    AppointmentType,
    ClientStatus,
    FormStatus,
    IntroCalls,
    Mode,
    PaymentKind,
    PaymentStatus,
    Source,
    Stage,
    TaskKind,
)

Item = TypeVar("Item")
Row = TypeVar("Row")


class Listed(BaseModel, Generic[Item]):
    items: list[Item]
    next_cursor: str | None = None


def cut(rows: Sequence[Row], page: Page) -> tuple[Sequence[Row], Row | None]:
    """The rows of this page, and its last one if there are more behind it."""
    return (rows[: page.limit], rows[page.limit - 1]) if len(rows) > page.limit else (rows, None)


class MoneyView(BaseModel):
    amount: int
    currency: str


# ---------------------------------------------------------------- therapists


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


# ---------------------------------------------------------------- clients


class CardView(BaseModel):
    brand: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None


class ClientView(BaseModel):
    id: UUID
    ref: str
    stage: Stage
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    time_zone: str | None
    state: str | None
    therapist: str | None
    group: UUID | None
    test: bool
    account_active: bool
    outstanding_forms: list[str]
    portal_settings: dict[str, bool]
    unsubscribed: bool
    next_appointment_at: datetime | None
    card: CardView | None
    created_at: datetime
    # For the practice alone:
    status: ClientStatus = ClientStatus.ACTIVE
    archived_at: datetime | None = None
    closed_at: datetime | None = None
    joined_into: UUID | None = None
    source: Source = Source.MATCHING_FORM
    note: str | None = None
    made_by: str = ""
    match: dict[str, Any] | None = None


def client_view(row: ClientRow, *, caller: Caller) -> ClientView:
    client = row.client
    more: dict[str, Any] = {}
    if caller.is_practice:
        more = {
            "status": client.status,
            "archived_at": client.archived_at,
            "closed_at": client.closed_at,
            "joined_into": client.joined_into,
            "source": client.source,
            "note": client.note,
            "made_by": client.made_by,
        }
    return ClientView(
        id=client.id,
        ref=client.ref,
        stage=client.stage if caller.is_practice else client.stage_shown,
        **client.details(),
        therapist=row.therapist,
        group=client.group_id,
        test=client.test,
        account_active=client.account_active,
        outstanding_forms=list(row.outstanding_forms),
        portal_settings=client.portal_settings,
        unsubscribed=client.unsubscribed,
        next_appointment_at=row.next_appointment_at,
        card=CardView(**client.card) if client.card else None,
        created_at=client.created_at,
        **more,
    )


def match_document(match: Match, therapist: str | None) -> dict[str, Any]:
    """The explained match; one made by hand says who made it and why."""
    by_hand: dict[str, Any] = {"therapist": therapist, "score": None, "factors": [], "runners_up": [], "ruled_out": []}
    return {
        **(match.explanation or by_hand),
        "how": match.how.value,
        "reason": match.reason,
        "made_by": match.made_by,
        "made_at": match.made_at,
    }


# ---------------------------------------------------------------- timeline


class FactView(BaseModel):
    seq: int
    at: datetime
    actor: str
    kind: str
    text: str
    data: dict[str, Any]
    previous_hash: str
    hash: str


def fact_view(fact: Fact) -> FactView:
    return FactView(**fact.model_dump(exclude={"client_id"}))


class VerifiedView(BaseModel):
    """``broken`` says in a sentence where the chain does not hold."""

    valid: bool
    facts: int
    head: str
    broken: str | None


# ---------------------------------------------------------------- appointments and payments


class PaymentView(BaseModel):
    """``because`` is for the practice alone."""

    id: UUID
    appointment_id: UUID
    kind: PaymentKind
    amount: int
    currency: str
    credit_used: int
    refunded: int
    status: PaymentStatus
    due_at: datetime
    deadline: datetime
    paid_at: datetime | None
    attempts: int
    because: str | None = None


def payment_view(payment: Payment, *, caller: Caller) -> PaymentView:
    more = {"because": payment.because} if caller.is_practice else {}
    return PaymentView(
        id=payment.id,
        appointment_id=payment.appointment_id,
        kind=payment.kind,
        amount=payment.amount,
        currency=payment.currency,
        credit_used=payment.credit_used,
        refunded=payment.refunded,
        status=payment.status,
        due_at=payment.due_at,
        deadline=payment.deadline,
        paid_at=payment.paid_at,
        attempts=payment.attempts,
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
        payment=payment_view(row.payment, caller=caller) if row.payment else None,
        **more,
    )


class CurrencyBalance(BaseModel):
    credit: int
    owed: int
    currency: str


class BalanceView(CurrencyBalance):
    """In the currency that the client pays in; ``by_currency`` are the others, as far as there is anything in them."""

    by_currency: list[CurrencyBalance]


# ---------------------------------------------------------------- forms and tasks


class FormView(BaseModel):
    id: UUID
    kind: str
    title: str
    version: int
    status: FormStatus
    requested_at: datetime
    completed_at: datetime | None


def form_view(form: FormRequest, *, caller: Caller, title: str) -> FormView:
    status = form.status
    if status is FormStatus.SUSPENDED and not caller.is_practice:
        status = FormStatus.REQUESTED
    return FormView(
        id=form.id,
        kind=form.kind,
        title=title,
        version=form.version,
        status=status,
        requested_at=form.requested_at,
        completed_at=form.completed_at,
    )


class TaskView(BaseModel):
    """``client_id`` is null for what is about no client of ours."""

    id: UUID
    client_id: UUID | None
    kind: TaskKind
    text: str
    data: dict[str, Any]
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    note: str | None


def task_view(task: Task) -> TaskView:
    return TaskView(**task.model_dump(exclude={"key"}))


def listed(items: list[Item], last: tuple[datetime | UUID | str | int, ...] | None) -> Listed[Item]:
    """A page of a list; ``last`` has the sort values of its last row when there are more rows behind it."""
    return Listed[Any](items=items, next_cursor=cursor_of(*last) if last else None)
