"""Transitions of a payment's state machine, written down: its tries, its states, and the fact and task of each."""

from datetime import datetime
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import Dependencies, derived_id
from activities.locked import LockedPayment
from activities.money.cards import block_if_hard, fingerprint_of
from activities.money.credits import reserve
from activities.money.mails import deliverer, mail_about
from activities.money.reconciliation.discrepancies import open_discrepancy_task
from activities.tasks import close_tasks, open_task_once
from activities.types.money import Charged
from models.reads.money.receipts import practitioner_of
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.money.payment import Payment, PaymentTry
from models.writes.timeline import tell
from rules.accounts.caller import SYSTEM
from rules.enums import ClientStatus, DeclineClass, PaymentStatus, TaskKind
from rules.mail.kinds import Mail
from rules.money.discrepancies import Discrepancy
from rules.money.fees import next_try
from rules.money.payment_states import Because, PaymentEvent, after, can_a_card_settle, how_it_is_settled
from rules.money.receipts import Stated
from rules.money.reconciliation import not_covered
from rules.timeline import FactKind


def move(
    payment: Payment,
    event: PaymentEvent,
    *,
    at: datetime,
    because: Because | None = None,
    next_try_at: datetime | None = None,
) -> None:
    """The only writer of a payment's status: the state is the one that follows from ``event``. The row is locked.

    With the state go its reason, when it is tried again, and when it was paid, or stopped by an archive.
    Raises NoSuchMove.
    """
    payment.status = after(payment.status, event)
    payment.because = because.value if because else None
    payment.next_try_at = next_try_at
    if event is PaymentEvent.PAID:
        payment.paid_at = at
    elif event is PaymentEvent.STOPPED:
        payment.stopped_at = at


def put_off(payment: Payment, *, until: datetime, at: datetime) -> None:
    """It stands as it did, and is looked at again then."""
    because = Because(payment.because) if payment.because else None
    move(payment, PaymentEvent.PUT_OFF, because=because, next_try_at=until, at=at)


def tell_payment(
    session: AsyncSession,
    client: Client,
    payment: Payment,
    *,
    at: datetime,
    text: str,
    by: str = SYSTEM,
    data: dict[str, Any] | None = None,
    words: str | None = None,
) -> None:
    """A change of a payment is a fact, named after the status it now has. ``data`` where it is not the usual one,
    ``words`` where a person gave a reason."""
    usual = {
        "payment_id": str(payment.id),
        "appointment_id": str(payment.appointment_id),
        "amount": payment.amount,
        "currency": payment.currency,
        "attempts": payment.attempts,
        **({"credit_used": payment.credit_used} if payment.credit_used else {}),
        **({"exception": payment.exception} if payment.exception else {}),
        **({"because": payment.because} if payment.because else {}),
    }
    kind = FactKind.of_payment(payment.status)
    data = usual if data is None else data
    tell(session, client, kind, at=at, by=by, text=text, data=data, words=words)


async def new_try(session: AsyncSession, payment: Payment, client: Client, *, number: int, at: datetime) -> PaymentTry:
    """A try that asks the client's saved card."""
    attempt = PaymentTry(
        id=derived_id(payment.id, "try", number),
        payment_id=payment.id,
        number=number,
        payment_method=client.stripe_payment_method,
        fingerprint=fingerprint_of(client),
        started_at=at,
    )
    session.add(attempt)
    await session.flush()
    return attempt


async def finish_try(session: AsyncSession, payment: Payment, charged: Charged, *, at: datetime) -> PaymentTry | None:
    """Close the running try, and return it: it knows the card that it asked."""
    tried = None
    statement = select(PaymentTry).where(col(PaymentTry.payment_id) == payment.id, col(PaymentTry.result).is_(None))
    for attempt in await session.exec(statement):
        attempt.result = charged.decline or charged.status
        attempt.decline_code, attempt.charge, attempt.finished_at = charged.decline_code, charged.charge, at
        session.add(attempt)
        tried = attempt
    return tried


async def paid(
    session: AsyncSession, row: LockedPayment, *, at: datetime, deps: Dependencies, by_card: int | None = None
) -> bool:
    """Record that it was paid, and whom its receipt names for good. ``by_card`` is what the card gave: the rest, and no
    more, is taken from credit.

    False if there is not that much credit any more: the payment is left as it stands, and a person is asked.
    """
    if by_card is not None:
        rest = max(row.payment.amount - by_card, 0)
        if rest > row.at_hand:
            await open_discrepancy_task(session, row.client, _not_covered(row.payment, by_card), at=at)
            return False
        await reserve(session, row.payment, amount=rest, at=at)
    by = deliverer(row.payment)
    # Nothing is charged by itself while a client is archived: who paid then did so by an own click, or a person of the
    # practice had the card asked for a debt. Nobody's card is charged without a receipt for it.
    asked = row.payment.status is not PaymentStatus.PROCESSING or row.payment.because == Because.DEBT
    own = row.client.status is ClientStatus.ARCHIVED and asked
    row.payment.stated = _stated(row, deps=deps).document()
    move(row.payment, PaymentEvent.PAID, at=at)
    await mail_about(session, row.payment, Mail.RECEIPT, by_appointment=by, at=at, asked_for=own)
    tell_payment(session, row.client, row.payment, at=at, text="The payment was made.")
    await close_payment_tasks(session, row.client, row.payment, at=at, note="The payment was made.")
    return True


def _stated(row: LockedPayment, *, deps: Dependencies) -> Stated:
    letterhead, client = deps.practice.letterhead, row.client
    return Stated(
        practice=letterhead,
        therapist=practitioner_of(row.therapist, client, practices_state=letterhead.state),
        client_name=client.full_name,
        client_ref=client.ref,
        time_zone=client.time_zone or deps.policy.time_zone,
    )


async def close_payment_tasks(
    session: AsyncSession, client: Client, payment: Payment, *, at: datetime, note: str
) -> None:
    """Nobody has to look after this payment any more."""
    kinds = (TaskKind.CARD_MISSING, TaskKind.PAYMENT_OWED, TaskKind.PAYMENT_FAILED)
    await close_tasks(session, client, about=str(payment.id), kinds=kinds, at=at, note=note)


def card_came(session: AsyncSession, client: Client, payment: Payment, *, at: datetime, by: str, text: str) -> None:
    """A payment that waited for a card, or failed with the last one, is tried again at once. The row is locked."""
    move(payment, PaymentEvent.CARD_CAME, because=Because.NEW_CARD, next_try_at=at, at=at)
    data = {
        "payment_id": str(payment.id),
        "appointment_id": str(payment.appointment_id),
        "amount": payment.amount,
        "currency": payment.currency,
        "because": payment.because,
    }
    tell_payment(session, client, payment, at=at, by=by, text=text, data=data)


def _not_covered(payment: Payment, by_card: int) -> Discrepancy:
    return not_covered(
        payment_id=str(payment.id),
        client_id=str(payment.client_id),
        intent=payment.intent or "",
        amount=payment.amount,
        received=by_card,
        currency=payment.currency,
    )


async def declined(
    session: AsyncSession,
    row: LockedPayment,
    decline: DeclineClass,
    *,
    tried: PaymentTry | None,
    at: datetime,
) -> None:
    payment, client, by = row.payment, row.client, deliverer(row.payment)
    block_if_hard(session, client, decline, tried)
    newer_card = tried is not None and client.stripe_payment_method != tried.payment_method and not client.card_blocked
    # A card that came meanwhile is asked past the deadline too; a debt is settled with it by the journey.
    if payment.because == Because.DEBT or (at >= payment.deadline and not newer_card):
        asks = decline is DeclineClass.AUTHENTICATION_REQUIRED
        await owe(session, row, at=at, because=Because.AUTHENTICATION_REQUIRED if asks else Because.DEADLINE_PASSED)
        return
    if newer_card:
        move(payment, PaymentEvent.CARD_CAME, because=Because.NEW_CARD, next_try_at=at, at=at)
        text = "The bank declined, and a newer card is there: it is tried at once."
    elif decline is DeclineClass.SOFT:
        again = next_try(
            tries_made=payment.attempts,
            last_try_at=at,
            deadline=payment.deadline,
            retries=row.terms.charge_retries,
        )
        if again is None:
            await owe(session, row, at=at, because=Because.TRIES_USED_UP)
            return
        move(payment, PaymentEvent.DECLINED, because=Because.DECLINED, next_try_at=again, at=at)
        await mail_about(session, payment, Mail.PAYMENT_FAILED, by_appointment=by, at=at)
        text = "The bank declined; it will be tried again."
    elif decline is DeclineClass.AUTHENTICATION_REQUIRED:
        move(payment, PaymentEvent.CLIENT_NEEDED, because=Because.AUTHENTICATION_REQUIRED, at=at)
        await mail_about(session, payment, Mail.PAYMENT_NEEDS_YOU, by_appointment=by, at=at)
        text = "The bank wants the client to confirm the payment."
    else:
        move(payment, PaymentEvent.CARD_NEEDED, because=Because.NEW_CARD_NEEDED, at=at)
        await mail_about(session, payment, Mail.PAYMENT_FAILED, by_appointment=by, at=at)
        text = "The bank declined; another card is needed."
    tell_payment(session, client, payment, at=at, text=text)


async def card_gone(session: AsyncSession, row: LockedPayment, *, tried: PaymentTry | None, at: datetime) -> None:
    """The card that was to be asked is no more at Stripe: the same as if there had been none, unless another one came
    meanwhile."""
    payment, client = row.payment, row.client
    has_card = client.stripe_payment_method is not None and not client.card_blocked
    is_newer = has_card and (tried is None or tried.payment_method != client.stripe_payment_method)
    if not is_newer or payment.because == Because.DEBT:
        await no_card(session, row, at=at)
        return
    move(payment, PaymentEvent.CARD_CAME, because=Because.NEW_CARD, next_try_at=at, at=at)
    tell_payment(session, client, payment, at=at, text="The card was removed at Stripe; a newer one is tried at once.")


async def no_card(session: AsyncSession, row: LockedPayment, *, at: datetime) -> None:
    because = Because.NEW_CARD_NEEDED if row.client.card_blocked else Because.NO_CARD
    is_debt = row.payment.status is PaymentStatus.OWED or row.payment.because == Because.DEBT
    if at >= row.payment.deadline or is_debt:
        await owe(session, row, at=at, because=because)
        return
    by = deliverer(row.payment)
    move(row.payment, PaymentEvent.CARD_NEEDED, because=because, at=at)
    await mail_about(session, row.payment, Mail.PAYMENT_FAILED, by_appointment=by, at=at)
    tell_payment(session, row.client, row.payment, at=at, text="The payment is due, and there is no card to charge.")
    text = f"A payment of client {row.client.ref} is due and there is no card; please ask for one."
    await _open_task(session, row, TaskKind.CARD_MISSING, text=text, at=at)


async def owe(session: AsyncSession, row: LockedPayment, *, at: datetime, because: Because) -> None:
    by = deliverer(row.payment)
    move(row.payment, PaymentEvent.OWED, because=because, at=at)
    # Where the bank wants the client, the link still settles it. What no card settles, nobody is asked a card for.
    mail = Mail.PAYMENT_NEEDS_YOU if because is Because.AUTHENTICATION_REQUIRED else Mail.PAYMENT_FAILED
    if can_a_card_settle(because):
        await mail_about(session, row.payment, mail, by_appointment=by, at=at)
    text = "The payment could not be made in time; the amount is owed."
    tell_payment(session, row.client, row.payment, at=at, text=text)
    text = f"Client {row.client.ref} owes a payment that could not be made in time. {how_it_is_settled(because)}"
    await _open_task(session, row, TaskKind.PAYMENT_OWED, text=text, at=at)


async def _open_task(session: AsyncSession, row: LockedPayment, kind: TaskKind, *, text: str, at: datetime) -> None:
    """One task at a time; another one if it comes to the same again after somebody has resolved the last."""
    about = col(Task.data)["payment_id"].astext == str(row.payment.id)
    before = (await session.exec(select(Task).where(col(Task.kind) == kind, about))).all()
    if any(task.resolved_at is None for task in before):
        return
    await open_task_once(
        session,
        row.client,
        key=f"{kind.value}:{row.payment.id}" + (f":{len(before) + 1}" if before else ""),
        kind=kind,
        text=text,
        at=at,
        appointment_id=row.appointment.id,
        payment_id=row.payment.id,
    )
