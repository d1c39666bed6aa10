"""Reconciliation: the ledger and Stripe side by side - payments, refunds and disputes, both ways.

Each line of one side is held against the line of the other that it belongs to. What differs is a ``Discrepancy``: one
whose kind is in ``HEALED`` has a certain answer, which is carried out; any other is for a person to look at. A payment
that is being tried at this moment is none, and test clients, who never reach Stripe, are left out.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from rules.enums import PaymentStatus, RefundStatus
from rules.money.currencies import in_units
from rules.money.discrepancies import (
    Discrepancy,
    DiscrepancyKind,
    LedgerPayment,
    LedgerRefund,
    StripeDispute,
    StripeIntent,
    StripeRefund,
)
from rules.money.payment_states import COLLECTED, LET_GO, OUTSTANDING, WAITING, is_stopped

STRAY_AFTER = timedelta(hours=1)  # a step that runs stores its intent within minutes
STUCK_AFTER = timedelta(days=1)
OVERDUE_AFTER = timedelta(hours=1)  # a try that begins at the deadline, and the card that comes in that moment

_UNCONFIRMED = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
_UNDECIDED = frozenset({"processing", "requires_capture"})
_NOT_MADE = frozenset({"failed", "canceled"})

# ---------------------------------------------------------------- payments


def compare_payments(
    payments: Iterable[LedgerPayment], intents: Iterable[StripeIntent], *, now: datetime
) -> list[Discrepancy]:
    """What differs between these payments and these intents, both ways.

    A payment's own intent that is not among ``intents`` is taken to be unknown at Stripe; and an intent whose payment
    is not among ``payments``, to be of no payment of ours.
    """
    ours = {payment.id: payment for payment in payments}
    by_intent = {payment.intent: payment for payment in ours.values() if payment.intent}
    told = {intent.id: intent for intent in intents}
    own = {id: told.get(payment.intent) if payment.intent else None for id, payment in ours.items()}
    # What an intent aside has paid is healed first: its payment is overdue no more.
    found = []
    for intent in told.values():
        named = ours.get(intent.payment_id) if intent.payment_id else None
        if intent.id not in by_intent and not (named and named.test):
            found.append(_aside(intent, named, own[named.id] if named else None, now=now))
    found += [_own(payment, own[payment.id], now=now) for payment in ours.values() if not payment.test]
    return [discrepancy for discrepancy in found if discrepancy is not None]


def _own(payment: LedgerPayment, intent: StripeIntent | None, *, now: datetime) -> Discrepancy | None:
    """A payment and its one intent."""
    if payment.status is PaymentStatus.PROCESSING:
        stuck = payment.trying_since is not None and now - payment.trying_since > STUCK_AFTER
        text = "A payment has been on its way for more than a day. Look whether the steps that make it can run."
        return _of(payment, DiscrepancyKind.STUCK_PAYMENT, text) if stuck else None
    if payment.status in COLLECTED:
        return _paid(payment, intent, now=now)
    if intent is None or intent.status == "canceled":
        return _overdue(payment, now=now)  # nothing was taken, and nothing is said to have been
    if intent.currency != payment.currency:
        return _currencies(payment, intent)
    if intent.status == "succeeded":
        return _succeeded(payment, intent)
    if payment.status in LET_GO:
        return _left_over(intent, payment, now=now)
    return _overdue(payment, now=now)


def _overdue(payment: LedgerPayment, *, now: datetime) -> Discrepancy | None:
    """Past its deadline a payment is paid, owed or let go of: whoever should have seen to that has not."""
    if payment.status not in WAITING or now - payment.deadline <= OVERDUE_AFTER:
        return None
    text = "A payment is past its deadline, and was neither made nor owed. Look whether the steps that make it can run."
    return _of(payment, DiscrepancyKind.STUCK_PAYMENT, text)


def _paid(payment: LedgerPayment, intent: StripeIntent | None, *, now: datetime) -> Discrepancy | None:
    if payment.by_card == 0:
        if intent is None or (intent.status == "succeeded" and intent.kept == 0):
            return None
        if intent.status == "succeeded":
            text = f"Credit paid it all in the ledger, and Stripe took {_money(intent.received, intent)} besides."
            return _of(payment, DiscrepancyKind.AMOUNT_DIFFERS, text)
        return _left_over(intent, payment, now=now)
    if intent is None:
        text = f"The ledger has {_money(payment.by_card, payment)} as paid by card, and Stripe knows no such payment."
        return _of(payment, DiscrepancyKind.MISSING_AT_STRIPE, text)
    if intent.currency != payment.currency:
        return _currencies(payment, intent)
    if intent.status != "succeeded":
        text = (
            f"The ledger has {_money(payment.by_card, payment)} as paid by card; "
            f"at Stripe it stands at: {_words(intent.status)}."
        )
        return _of(payment, DiscrepancyKind.NOT_TAKEN, text)
    # What was taken besides may have been given back at Stripe: then the card paid what the ledger says.
    given_back = intent.received > payment.by_card and intent.kept == payment.by_card - payment.to_card
    if intent.received != payment.by_card and not given_back:
        text = (
            f"The ledger has {_money(payment.by_card, payment)} as paid by card, "
            f"and Stripe took {_money(intent.received, intent)}."
        )
        return _of(payment, DiscrepancyKind.AMOUNT_DIFFERS, text)
    return None


def _succeeded(payment: LedgerPayment, intent: StripeIntent) -> Discrepancy | None:
    """Stripe took it, and the ledger does not say so."""
    if payment.status in LET_GO and not is_stopped(status=payment.status, because=payment.because):
        if intent.kept == 0:
            return None
        text = (
            f"Stripe took {_money(intent.received, intent)} for a payment that is {_words(payment.status.value)} "
            "in the ledger. Give it back in Stripe, if it was not due."
        )
        return _of(payment, DiscrepancyKind.TAKEN_AFTER_ALL, text)
    if not 0 <= payment.amount - intent.received <= payment.credit_at_hand:
        return not_covered(
            payment_id=payment.id,
            client_id=payment.client_id,
            intent=intent.id,
            amount=payment.amount,
            received=intent.received,
            currency=payment.currency,
        )
    text = f"Stripe took {_money(intent.received, intent)}, and the ledger had not heard of it."
    return _of(payment, DiscrepancyKind.MISSED_PAYMENT, text, intent=intent)


def not_covered(
    *, payment_id: str, client_id: str, intent: str, amount: int, received: int, currency: str
) -> Discrepancy:
    """Stripe took another amount than the payment's, and credit does not make up for it."""
    text = (
        f"Stripe took {in_units(received, currency)} {currency} for a payment of {in_units(amount, currency)} "
        f"{currency}, and there is no credit for the rest."
    )
    return Discrepancy(
        kind=DiscrepancyKind.AMOUNT_DIFFERS, text=text, payment_id=payment_id, client_id=client_id, intent=intent
    )


def _aside(
    intent: StripeIntent, payment: LedgerPayment | None, own: StripeIntent | None, *, now: datetime
) -> Discrepancy | None:
    """An intent that is no payment's own. ``payment`` is the one that it names, if that is ours, and ``own`` that one's
    intent."""
    if intent.status == "succeeded":
        if payment is not None and _has_lost(payment, own, intent):
            return _succeeded(payment, intent)
        return _unexpected_charge(intent, payment)
    if payment is None:
        return None  # another program's at the same account, or another installation's of this one
    return _left_over(intent, payment, now=now)


def _has_lost(payment: LedgerPayment, own: StripeIntent | None, intent: StripeIntent) -> bool:
    """A ledger that was restored knows a payment as it stood before ``intent`` was made for it."""
    waits = payment.status in OUTSTANDING or is_stopped(status=payment.status, because=payment.because)
    return waits and (own is None or own.status == "canceled") and intent.currency == payment.currency


def _unexpected_charge(intent: StripeIntent, payment: LedgerPayment | None) -> Discrepancy | None:
    if intent.kept == 0:
        return None  # it was given back
    took = f"Stripe took {_money(intent.received, intent)}"
    if payment is None:
        text = f"{took} for no payment that the ledger knows. Find out what it was for, or give it back in Stripe."
        return Discrepancy(kind=DiscrepancyKind.UNKNOWN_PAYMENT, text=text, intent=intent.id)
    if payment.status is PaymentStatus.PROCESSING:
        return None  # the try that runs may be about to store it
    if payment.status in COLLECTED:
        text = f"{took} a second time for a payment that was paid. Give it back in Stripe."
        return _of(payment, DiscrepancyKind.TAKEN_TWICE, text, intent=intent)
    text = (
        f"{took} by an intent that its payment does not use; the ledger has the payment as "
        f"{_words(payment.status.value)}. Give it back in Stripe."
    )
    return _of(payment, DiscrepancyKind.UNKNOWN_PAYMENT, text, intent=intent)


def _left_over(intent: StripeIntent, payment: LedgerPayment, *, now: datetime) -> Discrepancy | None:
    """An intent that nothing waits for: harmless while nobody confirms it, and so called off."""
    if payment.status is PaymentStatus.PROCESSING:
        return None
    age = now - intent.created
    if intent.status in _UNCONFIRMED and age > STRAY_AFTER:
        text = f"Nothing waits for {_money(intent.amount, intent)} that could still be confirmed at Stripe."
        return _of(payment, DiscrepancyKind.STRAY_INTENT, text, intent=intent)
    if intent.status in _UNDECIDED and age > STUCK_AFTER:
        text = f"Nothing waits for {_money(intent.amount, intent)}, which Stripe has been processing for over a day."
        return _of(payment, DiscrepancyKind.STUCK_PAYMENT, text, intent=intent)
    return None


def _currencies(payment: LedgerPayment, intent: StripeIntent) -> Discrepancy:
    text = f"The ledger counts this payment in {payment.currency}, and Stripe in {intent.currency}."
    return _of(payment, DiscrepancyKind.CURRENCY_DIFFERS, text)


# ---------------------------------------------------------------- refunds


def compare_refunds(
    refunds: Iterable[LedgerRefund],
    made: Iterable[StripeRefund],
    *,
    payments: Mapping[str, LedgerPayment],
    intents: Mapping[str, StripeIntent] | None = None,
    now: datetime,
) -> list[Discrepancy]:
    """What differs between these refunds, both ways. ``payments`` are those whose intents Stripe's refunds name, by
    intent; ``intents`` are these intents by their ids, with what they gave back: one that is not there is taken to have
    taken what the ledger says. A refund of ours that is not among ``made`` is taken to be unknown at Stripe."""
    told = {refund.id: refund for refund in made}
    by_our_id = {refund.refund_id: refund for refund in told.values() if refund.refund_id}
    found: list[Discrepancy | None] = []
    known: set[str] = set()
    for refund in refunds:
        answer = told.get(refund.stripe_refund) if refund.stripe_refund else by_our_id.get(refund.id)
        if answer is not None:
            known.add(answer.id)
        if not refund.test:
            found.append(_refund(refund, answer, now=now))
    for answer in told.values():
        payment = payments.get(answer.intent) if answer.intent else None
        if answer.id not in known and payment is not None and not payment.test:
            intent = (intents or {}).get(answer.intent) if answer.intent else None
            found.append(_by_hand(answer, payment, intent))
    return [discrepancy for discrepancy in found if discrepancy is not None]


def _refund(refund: LedgerRefund, made: StripeRefund | None, *, now: datetime) -> Discrepancy | None:
    if refund.card_amount == 0:
        return None  # all of it became credit: Stripe has no part in it
    amount = f"{in_units(refund.card_amount, refund.currency)} {refund.currency}"
    age = now - refund.asked_at
    if made is None:
        if refund.status is RefundStatus.SUCCEEDED:
            text = f"The ledger gave {amount} back to the card, and Stripe knows no such refund."
            return _of_refund(refund, DiscrepancyKind.REFUND_MISSING, text)
        if refund.status is RefundStatus.PENDING and age > STUCK_AFTER:
            text = f"{amount} should have gone back to the card more than a day ago, and Stripe was not asked."
            return _of_refund(refund, DiscrepancyKind.STUCK_REFUND, text)
        return None
    if (made.amount, made.currency) != (refund.card_amount, refund.currency):
        text = f"The ledger gave {amount} back to the card, and Stripe {_money(made.amount, made)}."
        return _of_refund(refund, DiscrepancyKind.REFUND_DIFFERS, text)
    ended_badly = made.status in _NOT_MADE
    ended = ended_badly or made.status == "succeeded"
    if refund.stripe_refund is None and age <= STRAY_AFTER:
        return None  # the step that asked for it is about to hear
    if refund.status is RefundStatus.PENDING and (ended or refund.stripe_refund is None):
        text = f"A refund of {amount} stands at {_words(made.status)} at Stripe, and the ledger had not heard of it."
        return _of_refund(refund, DiscrepancyKind.MISSED_REFUND, text, made=made)
    if refund.status is RefundStatus.SUCCEEDED and ended_badly:
        text = f"A refund of {amount} failed after all, and the ledger had not heard of it."
        return _of_refund(refund, DiscrepancyKind.MISSED_REFUND, text, made=made)
    if refund.status is RefundStatus.FAILED and not ended_badly:
        text = f"The ledger has a refund of {amount} as failed; at Stripe it stands at: {_words(made.status)}."
        return _of_refund(refund, DiscrepancyKind.REFUND_DIFFERS, text)
    return None


def _by_hand(made: StripeRefund, payment: LedgerPayment, intent: StripeIntent | None) -> Discrepancy | None:
    """A refund that the ledger did not order: somebody made it at Stripe."""
    if made.status in _NOT_MADE or payment.status not in COLLECTED:
        return None  # nothing was given back, or something that the ledger never counted
    if intent is not None and intent.refunded - payment.to_card <= intent.received - payment.by_card:
        return None  # it gave back what Stripe had taken besides, which the ledger never counted
    left = payment.by_card - payment.to_card  # credit that was given for the same money can be taken back
    amount = _money(made.amount, made)
    if made.currency == payment.currency and made.amount <= left:
        kind, text = (
            DiscrepancyKind.REFUND_BY_HAND,
            f"{amount} went back to the card by a refund made at Stripe by hand.",
        )
    else:
        kind = DiscrepancyKind.REFUND_TOO_MUCH
        text = f"{amount} went back to the card by a refund made at Stripe by hand: more than was left of the payment."
    return Discrepancy(
        kind=kind,
        text=text,
        payment_id=payment.id,
        client_id=payment.client_id,
        intent=made.intent,
        stripe_refund=made.id,
    )


# ---------------------------------------------------------------- disputes


def compare_disputes(
    known: Mapping[str, str], disputes: Iterable[StripeDispute], *, payments: Mapping[str, LedgerPayment]
) -> list[Discrepancy]:
    """Disputes at Stripe that the ledger has not heard of as they stand. ``known`` are its statuses by dispute."""
    found = []
    for dispute in disputes:
        payment = payments.get(dispute.intent) if dispute.intent else None
        if payment is None or payment.test or known.get(dispute.id) == dispute.status:
            continue
        found.append(
            Discrepancy(
                kind=DiscrepancyKind.MISSED_DISPUTE,
                text=f"A dispute stands at: {_words(dispute.status)}; the ledger had not heard of that.",
                payment_id=payment.id,
                client_id=payment.client_id,
                intent=dispute.intent,
                dispute=dispute.id,
            )
        )
    return found


# ---------------------------------------------------------------- words


def _of(payment: LedgerPayment, kind: DiscrepancyKind, text: str, *, intent: StripeIntent | None = None) -> Discrepancy:
    """About a payment; by ``intent`` where that is not its own."""
    return Discrepancy(
        kind=kind,
        text=text,
        payment_id=payment.id,
        client_id=payment.client_id,
        intent=intent.id if intent else payment.intent,
    )


def _of_refund(
    refund: LedgerRefund, kind: DiscrepancyKind, text: str, *, made: StripeRefund | None = None
) -> Discrepancy:
    return Discrepancy(
        kind=kind,
        text=text,
        payment_id=refund.payment_id,
        client_id=refund.client_id,
        refund_id=refund.id,
        stripe_refund=made.id if made else refund.stripe_refund,
    )


def _money(amount: int, of: LedgerPayment | StripeIntent | StripeRefund) -> str:
    return f"{in_units(amount, of.currency)} {of.currency}"


def _words(status: str) -> str:
    return status.replace("_", " ")
