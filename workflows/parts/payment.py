"""One payment, from due to settled: what comes next follows from its state alone.

    scheduled        -> wait until it is due, then try
    failed           -> wait for the next try, for a new card, or for the deadline
    requires_action  -> wait for the client, or for the deadline
    frozen           -> wait for a dispute's task to be resolved, or for the deadline
    processing       -> a try was begun: carry it through
    anything else    -> settled

A card that arrives, a client who confirms and an archive all change the payment in the database and tell the workflow;
they need no case of their own here.
"""

from collections.abc import Callable

from temporalio import exceptions, workflow

from workflows import steps

with workflow.unsafe.imports_passed_through():
    from dataclasses import replace

    from activities.types.facts import AppointmentFacts, PaymentFacts
    from activities.types.money import AttemptOrder, AttemptResult, AttemptStarted, Settled
    from rules.enums import PaymentStatus
    from rules.mail.kinds import Mail
    from rules.mail.orders import MailOrder, mail_order
    from rules.money.payment_states import PENDING, Because

_MAILS = {
    PaymentStatus.PAID: Mail.RECEIPT,
    PaymentStatus.REQUIRES_ACTION: Mail.PAYMENT_NEEDS_YOU,
    PaymentStatus.OWED: Mail.PAYMENT_FAILED,
    PaymentStatus.FAILED: Mail.PAYMENT_FAILED,
}


def is_open(payment: PaymentFacts | None) -> bool:
    return payment is not None and payment.status in PENDING


async def attempt(payment: PaymentFacts, *, began: Callable[[AttemptStarted], object]) -> Settled:
    """One try: win the payment, charge the card, record the answer. A lost payment is left as it stands.

    Whoever calls holds no lock meanwhile: Stripe may be away for long, and the database guards the payment.
    """
    running = payment.status is PaymentStatus.PROCESSING
    number = payment.attempts if running else payment.attempts + 1
    order = AttemptOrder(payment_id=payment.id, attempt=number)
    begun = await steps.start_attempt(order)
    began(begun)
    if not begun.started:
        return Settled(appointment=begun.appointment, journey=begun.journey)
    charged = await steps.charge_card(order)
    result = AttemptResult(payment_id=payment.id, attempt=number, charged=charged)
    settled = await steps.finish_attempt(result)
    after = settled.appointment.payment
    if charged is not None and charged.intent and after is not None and after.status is PaymentStatus.CANCELLED:
        # Archived while the card was asked, and declined: no old link may still pay.
        await _call_off(settled.appointment.client_id, charged.intent)
    return settled


async def _call_off(client_id: str, intent: str) -> None:
    try:
        await steps.cancel_intent(client_id, intent)
    except exceptions.ActivityError as error:
        if exceptions.is_cancelled_exception(error):
            raise
        # Stripe refuses it for good: reconciliation shows whether it can still be paid.
        workflow.logger.error("an open payment cannot be called off: %s", error.cause)


def mails_about(before: PaymentFacts, after: AppointmentFacts) -> list[MailOrder]:
    """What the client is told when a payment changed: a receipt, or what the client can do."""
    payment = after.payment
    if payment is None or (payment.status, payment.attempts) == (before.status, before.attempts):
        return []
    mail = _MAILS.get(payment.status)
    if payment.status is PaymentStatus.OWED and payment.because == Because.AUTHENTICATION_REQUIRED:
        mail = Mail.PAYMENT_NEEDS_YOU  # the link still settles it
    soft = payment.status is PaymentStatus.FAILED and payment.next_try_at is not None
    return [] if mail is None or soft else [mail_about(mail, payment, client_id=after.client_id)]


def mail_about(mail: Mail, payment: PaymentFacts, *, client_id: str) -> MailOrder:
    """The order of a mail about a payment as it stands: one mail for each time that it comes to stand so."""
    key = f"{mail}:{payment.id}:{payment.status.value}:{payment.attempts}"
    return replace(mail_order(mail, key=key, client_id=client_id), payment_id=payment.id)
