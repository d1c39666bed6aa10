"""What the database knows, as the values that rules and workflows reason about."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, or_
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.appointment import Appointment
from models.client import Client
from models.credit import Credit
from models.form import FormRequest
from models.goals import goals_to_remind_of
from models.payment import Payment
from models.task import Task
from models.therapist import Therapist
from rules.archive import BECAUSE_ARCHIVED, PaymentLine
from rules.cards import SavedCard
from rules.forms import INTAKE_FORMS, outstanding
from rules.stage import AskedForm, JourneyFacts, OpenAppointment, OpenTask, stage_of
from rules.words import AppointmentStatus, AppointmentType, ClientStatus, FormStatus, PaymentStatus

USUAL_CURRENCY = "USD"  # of a client with neither payments nor a therapist
_OPEN = (
    PaymentStatus.SCHEDULED,
    PaymentStatus.PROCESSING,
    PaymentStatus.REQUIRES_ACTION,
    PaymentStatus.FAILED,
    PaymentStatus.OWED,
)


async def journey_facts(session: AsyncSession, client: Client) -> JourneyFacts:
    """A snapshot of one client, as of this transaction."""
    await session.flush()
    therapist = await session.get(Therapist, client.therapist_id) if client.therapist_id else None
    appointments: Sequence[Appointment] = ()
    if client.first_booked_at is not None:
        appointments = (await session.exec(select(Appointment).where(col(Appointment.client_id) == client.id))).all()
    forms = (await session.exec(select(FormRequest).where(col(FormRequest.client_id) == client.id))).all()
    tasks = (
        await session.exec(
            select(Task)
            .where(col(Task.client_id) == client.id, col(Task.resolved_at).is_(None))
            .order_by(col(Task.opened_at), col(Task.key))
        )
    ).all()
    complete: dict[str, int] = {}
    for form in forms:
        if form.status is FormStatus.COMPLETE:
            complete[form.kind] = max(form.version, complete.get(form.kind, 0))
    asked = [form.requested_at for form in forms if form.kind in INTAKE_FORMS and form.kind not in complete]
    sessions = [a for a in appointments if a.type is AppointmentType.SESSION]
    return JourneyFacts(
        version=client.fact_seq,
        ref=client.ref,
        archived=client.status is ClientStatus.ARCHIVED,
        created_at=client.created_at,
        therapist=therapist.slug if therapist else None,
        matched_at=client.matched_at,
        anonymous=not any((client.first_name, client.last_name, client.email, client.phone)),
        reachable=client.email is not None,
        account_active=client.account_active,
        first_booked_at=client.first_booked_at,
        forms_requested_at=max(asked, default=None),
        outstanding_forms=outstanding(complete),
        open_appointments=tuple(
            OpenAppointment(id=str(a.id), type=a.type, starts_at=a.starts_at, ends_at=a.ends_at)
            for a in sorted(appointments, key=lambda a: a.starts_at)
            if a.status is AppointmentStatus.SCHEDULED
        ),
        intro_occurred_at=max(
            (
                a.ends_at
                for a in appointments
                if a.type is AppointmentType.INTRO_CALL
                and a.status is AppointmentStatus.OCCURRED
                and a.therapist_id == client.therapist_id
            ),
            default=None,
        ),
        session_booked=any(
            a.status in (AppointmentStatus.SCHEDULED, AppointmentStatus.OCCURRED, AppointmentStatus.NO_SHOW)
            for a in sessions
        ),
        session_occurred=any(a.status is AppointmentStatus.OCCURRED for a in sessions),
        open_tasks=tuple(OpenTask(key=task.key, kind=task.kind.value) for task in tasks),
        card=saved_card(client),
        payment_open=client.first_booked_at is not None and await _has_open_payment(session, client.id),
        time_zone=client.time_zone or (therapist.time_zone if therapist else "UTC"),
        goals=await goals_to_remind_of(session, client),
        asked_forms=tuple(
            AskedForm(id=str(form.id), asked_at=form.requested_at)
            for form in sorted(forms, key=lambda form: (form.requested_at, form.id))
            if form.status is FormStatus.REQUESTED and form.kind not in INTAKE_FORMS
        ),
    )


def saved_card(client: Client) -> SavedCard | None:
    """The card that payments are made with; none if the bank has blocked it."""
    if client.stripe_payment_method is None or client.card is None or client.card_blocked:
        return None
    return SavedCard(
        id=client.stripe_payment_method, exp_year=client.card["exp_year"], exp_month=client.card["exp_month"]
    )


async def _has_open_payment(session: AsyncSession, client_id: UUID) -> bool:
    found = select(Payment.id).where(col(Payment.client_id) == client_id, col(Payment.status).in_(_OPEN)).limit(1)
    return (await session.exec(found)).first() is not None


async def project(session: AsyncSession, client: Client) -> JourneyFacts:
    """Write the stage that follows from the facts, and the one that the client side is shown; return the facts. The
    last line of every step."""
    facts = await journey_facts(session, client)
    client.stage, client.stage_shown = stage_of(facts), stage_of(facts, as_if_active=True)
    session.add(client)
    return facts


async def currency_of(session: AsyncSession, client: Client) -> str:
    """What the client pays in: that of the newest payment or appointment, else the therapist's."""
    paid_in = (
        select(Payment.currency)
        .where(col(Payment.client_id) == client.id)
        .order_by(col(Payment.created_at).desc(), col(Payment.id))
    )
    booked_in = (
        select(Appointment.fee_currency)
        .where(col(Appointment.client_id) == client.id)
        .order_by(col(Appointment.booked_at).desc(), col(Appointment.id))
    )
    for newest in (paid_in, booked_in):
        currency = (await session.exec(newest.limit(1))).first()
        if currency is not None:
            return currency
    therapist = await session.get(Therapist, client.therapist_id) if client.therapist_id else None
    return therapist.session_fee_currency if therapist else USUAL_CURRENCY


async def currencies_of(session: AsyncSession, client: Client) -> set[str]:
    """Every currency that a fee of the client's may still be paid in: what they pay in now, and that of every payment
    which is open or owed."""
    owed = and_(col(Payment.status) == PaymentStatus.CANCELLED, col(Payment.because) == BECAUSE_ARCHIVED)
    open_ones = select(Payment.currency).where(
        col(Payment.client_id) == client.id, or_(col(Payment.status).in_(_OPEN), owed)
    )
    return {await currency_of(session, client), *(await session.exec(open_ones)).all()}


async def credits_of_all(session: AsyncSession, client_id: UUID) -> dict[str, int]:
    """What is left of the client's credit, in minor units by currency; a currency without any is not named."""
    left = func.sum(Credit.remaining)
    statement = select(Credit.currency, left).where(col(Credit.client_id) == client_id).group_by(col(Credit.currency))
    return {currency: int(amount) for currency, amount in await session.exec(statement.having(left > 0))}


async def credit_of(session: AsyncSession, client_id: UUID, currency: str) -> int:
    """The credit that a client has left, in minor units; what payments have reserved is not in it."""
    statement = select(func.coalesce(func.sum(Credit.remaining), 0)).where(
        col(Credit.client_id) == client_id, col(Credit.currency) == currency
    )
    return int((await session.exec(statement)).one())


def payment_line(payment: Payment, *, frozen: bool = False) -> PaymentLine:
    """``frozen``: charges of the client's are held up by a dispute, which the payment does not say itself."""
    return PaymentLine(
        id=str(payment.id),
        appointment_id=str(payment.appointment_id),
        status=payment.status,
        because=payment.because,
        amount=payment.amount,
        credit_used=payment.credit_used,
        currency=payment.currency,
        due_at=payment.due_at,
        deadline=payment.deadline,
        next_try_at=payment.next_try_at,
        frozen=frozen,
    )


def join_url_of(mode: str, *, public_url: str, appointment_id: UUID, zoom_link: str | None) -> str | None:
    """The link by which client and therapist meet; none for a phone call."""
    if mode == "zoom":
        return zoom_link
    return f"{public_url.rstrip('/')}/meet/{appointment_id}" if mode == "video" else None
