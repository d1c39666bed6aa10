"""Ledger and Stripe as one truth has them, and every way in which they can come to differ."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from rules.enums import PaymentStatus, RefundStatus
from rules.money.discrepancies import (
    Discrepancy,
    DiscrepancyKind,
    LedgerPayment,
    LedgerRefund,
    StripeDispute,
    StripeIntent,
    StripeRefund,
)
from rules.money.reconciliation import STUCK_AFTER, compare_disputes, compare_payments, compare_refunds

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=3)
HOUR = timedelta(hours=1)
FEE = 12000


@dataclass
class Case:
    """One payment of the truth, as both sides tell it, with its refund and its dispute."""

    payment: LedgerPayment
    intents: list[StripeIntent] = field(default_factory=list)
    refund: LedgerRefund | None = None
    made: list[StripeRefund] = field(default_factory=list)
    disputes: list[StripeDispute] = field(default_factory=list)
    known_disputes: dict[str, str] = field(default_factory=dict)


def found_in(*cases: Case, now: datetime = NOW) -> list[Discrepancy]:
    payments = [case.payment for case in cases]
    by_intent = {payment.intent: payment for payment in payments if payment.intent}
    return [
        *compare_payments(payments, [intent for case in cases for intent in case.intents], now=now),
        *compare_refunds(
            [case.refund for case in cases if case.refund],
            [made for case in cases for made in case.made],
            payments=by_intent,
            now=now,
        ),
        *compare_disputes(
            {id: status for case in cases for id, status in case.known_disputes.items()},
            [dispute for case in cases for dispute in case.disputes],
            payments=by_intent,
        ),
    ]


def intent_of(payment: LedgerPayment, status: str, **more: Any) -> StripeIntent:
    received = payment.by_card if status == "succeeded" else 0
    values: dict[str, Any] = {
        "id": payment.intent or f"pi_aside_{payment.id}",
        "payment_id": payment.id,
        "status": status,
        "amount": max(payment.by_card, 1),
        "received": received,
        "currency": payment.currency,
        "created": LONG_AGO,
    }
    return StripeIntent(**{**values, **more})


# ---------------------------------------------------------------- the truth


@st.composite
def truths(draw: st.DrawFn) -> list[Case]:
    """Payments in every state that both sides can be in together, many of them at once."""
    return [draw(cases(str(number))) for number in range(draw(st.integers(1, 8)))]


@st.composite
def cases(draw: st.DrawFn, id: str, kinds: tuple[str, ...] = ()) -> Case:
    kind = draw(st.sampled_from(kinds or tuple(TRUTHS)))
    currency = draw(st.sampled_from(["USD", "EUR", "JPY"]))
    amount = draw(st.integers(100, 50_000))
    credit = draw(st.integers(0, amount - 50))
    payment = LedgerPayment(
        id=id,
        client_id=f"client-{id}",
        status=PaymentStatus.PAID,
        because=None,
        amount=amount,
        currency=currency,
        deadline=NOW,
        credit_used=credit,
        credit_at_hand=credit,
        intent=f"pi_{id}",
    )
    return TRUTHS[kind](payment)


def _paid(payment: LedgerPayment) -> Case:
    return Case(payment, [intent_of(payment, "succeeded")])


def _paid_with_a_stray_that_was_called_off(payment: LedgerPayment) -> Case:
    return Case(payment, [intent_of(payment, "succeeded"), intent_of(payment, "canceled", id=f"pi_off_{payment.id}")])


def _paid_by_credit(payment: LedgerPayment) -> Case:
    return Case(replace(payment, credit_used=payment.amount, credit_at_hand=payment.amount, intent=None))


def refunded(payment: LedgerPayment) -> Case:
    part = payment.by_card // 2
    refund = LedgerRefund(
        id=f"refund-{payment.id}",
        payment_id=payment.id,
        client_id=payment.client_id,
        card_amount=part,
        currency=payment.currency,
        status=RefundStatus.SUCCEEDED,
        asked_at=LONG_AGO,
        stripe_refund=f"re_{payment.id}",
        intent=payment.intent,
    )
    made = StripeRefund(
        id=f"re_{payment.id}",
        refund_id=refund.id,
        intent=payment.intent,
        status="succeeded",
        amount=part,
        currency=payment.currency,
    )
    after = replace(payment, status=PaymentStatus.PARTIALLY_REFUNDED, refunded=part, to_card=part)
    return Case(after, [intent_of(after, "succeeded", refunded=part)], refund, [made])


def _disputed(payment: LedgerPayment) -> Case:
    dispute = StripeDispute(id=f"dp_{payment.id}", intent=payment.intent, status="needs_response")
    return Case(
        payment,
        [intent_of(payment, "succeeded")],
        disputes=[dispute],
        known_disputes={dispute.id: dispute.status},
    )


def _declined(payment: LedgerPayment) -> Case:
    after = replace(payment, status=PaymentStatus.FAILED, because="declined")
    return Case(after, [intent_of(after, "requires_payment_method")])


def _waits_for_the_client(payment: LedgerPayment) -> Case:
    after = replace(payment, status=PaymentStatus.REQUIRES_ACTION)
    return Case(after, [intent_of(after, "requires_action")])


def _scheduled(payment: LedgerPayment) -> Case:
    return Case(replace(payment, status=PaymentStatus.SCHEDULED, intent=None, credit_used=0))


def _being_tried(payment: LedgerPayment) -> Case:
    """At this moment Stripe may be ahead: it has the money, and the step has not written it down."""
    after = replace(payment, status=PaymentStatus.PROCESSING, trying_since=NOW - timedelta(seconds=3))
    return Case(after, [intent_of(after, "succeeded", created=NOW)])


def _being_tried_before_its_intent_is_stored(payment: LedgerPayment) -> Case:
    after = replace(payment, status=PaymentStatus.PROCESSING, trying_since=NOW - 2 * HOUR, intent=None)
    return Case(after, [intent_of(after, "requires_confirmation", created=NOW - 2 * HOUR)])


def _waived(payment: LedgerPayment) -> Case:
    after = replace(payment, status=PaymentStatus.WAIVED, because="waived", credit_used=0)
    return Case(after, [intent_of(after, "canceled")])


def _given_back_by_hand(payment: LedgerPayment) -> Case:
    """Paid after it was written off; the practice gave it back in Stripe, where the ledger never counted it."""
    after = replace(payment, status=PaymentStatus.WRITTEN_OFF, credit_used=0)
    back = StripeRefund(
        id=f"re_{payment.id}",
        refund_id=None,
        intent=payment.intent,
        status="succeeded",
        amount=after.amount,
        currency=payment.currency,
    )
    return Case(after, [intent_of(after, "succeeded", refunded=after.amount)], made=[back])


TRUTHS: dict[str, Callable[[LedgerPayment], Case]] = {
    function.__name__: function
    for function in (
        _paid,
        _paid_with_a_stray_that_was_called_off,
        _paid_by_credit,
        refunded,
        _disputed,
        _declined,
        _waits_for_the_client,
        _scheduled,
        _being_tried,
        _being_tried_before_its_intent_is_stored,
        _waived,
        _given_back_by_hand,
    )
}

# ---------------------------------------------------------------- what is planted


def _pay(case: Case, **changes: Any) -> None:
    case.payment = replace(case.payment, **changes)


def _own(case: Case, **changes: Any) -> None:
    case.intents[0] = replace(case.intents[0], **changes)


def _taken(case: Case) -> None:
    _own(case, status="succeeded", received=case.payment.by_card, amount=case.payment.by_card)


def _aside(case: Case, status: str, **more: Any) -> None:
    took = case.intents[0].amount if case.intents else case.payment.amount
    aside = intent_of(replace(case.payment, intent=None), status, received=0, **more)
    case.intents.append(replace(aside, received=took if status == "succeeded" else 0))


def change_refund(case: Case, **changes: Any) -> None:
    assert case.refund is not None
    case.refund = replace(case.refund, **changes)


def _made(case: Case, **changes: Any) -> None:
    case.made[0] = replace(case.made[0], **changes)


def _by_hand(case: Case, amount: int) -> None:
    case.made.append(
        StripeRefund(
            id=f"re_hand_{case.payment.id}",
            refund_id=None,
            intent=case.payment.intent,
            status="succeeded",
            amount=amount,
            currency=case.payment.currency,
        )
    )


def _all(*plants: Callable[[Case], object]) -> Callable[[Case], object]:
    def plant(case: Case) -> None:
        for each in plants:
            each(case)

    return plant


Planting = tuple[str, DiscrepancyKind, Callable[[Case], object]]
PLANTINGS: list[Planting] = [
    ("_declined", DiscrepancyKind.MISSED_PAYMENT, _taken),
    ("_waits_for_the_client", DiscrepancyKind.MISSED_PAYMENT, _taken),
    (
        "_declined",
        DiscrepancyKind.MISSED_PAYMENT,
        _all(_taken, lambda c: _pay(c, status=PaymentStatus.CANCELLED, because="archived")),
    ),
    ("_paid", DiscrepancyKind.STRAY_INTENT, lambda c: _aside(c, "requires_confirmation")),
    ("_scheduled", DiscrepancyKind.STRAY_INTENT, lambda c: _aside(c, "requires_payment_method")),
    ("_waived", DiscrepancyKind.STRAY_INTENT, lambda c: _own(c, status="requires_action")),
    (
        "_paid",
        DiscrepancyKind.STRAY_INTENT,
        _all(
            lambda c: _own(c, status="requires_confirmation", received=0),
            lambda c: _pay(c, credit_used=c.payment.amount),
        ),
    ),
    ("_paid", DiscrepancyKind.TAKEN_TWICE, lambda c: _aside(c, "succeeded")),
    ("_declined", DiscrepancyKind.UNKNOWN_PAYMENT, lambda c: _aside(c, "succeeded")),
    ("_scheduled", DiscrepancyKind.MISSED_PAYMENT, lambda c: _aside(c, "succeeded")),  # its intent was lost
    (
        "_declined",
        DiscrepancyKind.MISSED_PAYMENT,
        _all(lambda c: _own(c, status="canceled"), lambda c: _aside(c, "succeeded")),
    ),
    ("_scheduled", DiscrepancyKind.STUCK_PAYMENT, lambda c: _pay(c, deadline=NOW - 2 * HOUR)),
    ("_declined", DiscrepancyKind.STUCK_PAYMENT, lambda c: _pay(c, deadline=NOW - 2 * HOUR)),
    ("_waits_for_the_client", DiscrepancyKind.STUCK_PAYMENT, lambda c: _pay(c, deadline=NOW - 2 * HOUR)),
    ("_waived", DiscrepancyKind.TAKEN_AFTER_ALL, _taken),
    (
        "_declined",
        DiscrepancyKind.TAKEN_AFTER_ALL,
        _all(_taken, lambda c: _pay(c, status=PaymentStatus.CANCELLED, because=None)),
    ),
    ("_paid", DiscrepancyKind.NOT_TAKEN, lambda c: _own(c, status="requires_payment_method", received=0)),
    ("_paid", DiscrepancyKind.NOT_TAKEN, lambda c: _own(c, status="canceled", received=0)),
    ("_paid", DiscrepancyKind.MISSING_AT_STRIPE, lambda c: c.intents.clear()),
    ("_paid", DiscrepancyKind.MISSING_AT_STRIPE, _all(lambda c: c.intents.clear(), lambda c: _pay(c, intent=None))),
    ("_paid", DiscrepancyKind.AMOUNT_DIFFERS, lambda c: _own(c, received=c.intents[0].received - 1)),
    (
        "_declined",
        DiscrepancyKind.AMOUNT_DIFFERS,
        _all(
            _taken, lambda c: _pay(c, credit_used=0, credit_at_hand=0), lambda c: _own(c, received=c.payment.amount - 1)
        ),
    ),
    ("_declined", DiscrepancyKind.AMOUNT_DIFFERS, _all(_taken, lambda c: _own(c, received=c.payment.amount + 1))),
    ("_paid", DiscrepancyKind.CURRENCY_DIFFERS, lambda c: _own(c, currency="CHF")),
    ("_declined", DiscrepancyKind.CURRENCY_DIFFERS, lambda c: _own(c, currency="CHF")),
    ("_being_tried", DiscrepancyKind.STUCK_PAYMENT, lambda c: _pay(c, trying_since=NOW - STUCK_AFTER - HOUR)),
    ("_waived", DiscrepancyKind.STUCK_PAYMENT, lambda c: _own(c, status="processing")),
    ("refunded", DiscrepancyKind.MISSED_REFUND, lambda c: change_refund(c, status=RefundStatus.PENDING)),
    ("refunded", DiscrepancyKind.MISSED_REFUND, lambda c: _made(c, status="failed")),
    (
        "refunded",
        DiscrepancyKind.MISSED_REFUND,
        _all(
            lambda c: change_refund(c, status=RefundStatus.PENDING, stripe_refund=None),
            lambda c: _made(c, status="pending"),
        ),
    ),
    ("_paid", DiscrepancyKind.REFUND_BY_HAND, lambda c: _by_hand(c, c.payment.by_card)),
    ("refunded", DiscrepancyKind.REFUND_BY_HAND, lambda c: _by_hand(c, 1)),
    ("refunded", DiscrepancyKind.REFUND_TOO_MUCH, lambda c: _by_hand(c, c.payment.by_card)),
    ("refunded", DiscrepancyKind.REFUND_MISSING, lambda c: c.made.clear()),
    (
        "refunded",
        DiscrepancyKind.STUCK_REFUND,
        _all(lambda c: change_refund(c, status=RefundStatus.PENDING, stripe_refund=None), lambda c: c.made.clear()),
    ),
    ("refunded", DiscrepancyKind.REFUND_DIFFERS, lambda c: _made(c, amount=c.made[0].amount + 1)),
    ("refunded", DiscrepancyKind.REFUND_DIFFERS, lambda c: _made(c, currency="CHF")),
    ("refunded", DiscrepancyKind.REFUND_DIFFERS, lambda c: change_refund(c, status=RefundStatus.FAILED)),
    ("_disputed", DiscrepancyKind.MISSED_DISPUTE, lambda c: c.known_disputes.clear()),
    (
        "_disputed",
        DiscrepancyKind.MISSED_DISPUTE,
        lambda c: c.known_disputes.update({c.disputes[0].id: "warning_needs_response"}),
    ),
]
