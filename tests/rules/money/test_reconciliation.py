"""Ledger and Stripe derived from one truth: they agree. With differences planted: exactly those are found."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.enums import PaymentStatus, RefundStatus
from rules.money.discrepancies import HEALED, DiscrepancyKind, LedgerPayment, StripeDispute, StripeIntent, StripeRefund
from rules.money.reconciliation import STRAY_AFTER, STUCK_AFTER, compare_disputes, compare_payments, compare_refunds
from tests.rules.money import two_ledgers as two_books
from tests.rules.money.two_ledgers import FEE, HOUR, NOW, PLANTINGS, Case, cases, found_in, intent_of, truths


def test_every_difference_is_planted() -> None:
    assert {kind for _, kind, _ in PLANTINGS} == set(DiscrepancyKind)


@given(truth=truths())
def test_books_of_one_truth_agree(truth: list[Case]) -> None:
    assert found_in(*truth) == []


@given(data=st.data())
def test_exactly_what_was_planted_is_found(data: st.DataObject) -> None:
    quiet = data.draw(truths())
    planted = []
    chosen = data.draw(st.lists(st.sampled_from(PLANTINGS), min_size=1, max_size=5))
    for number, (of, kind, plant) in enumerate(chosen):
        case = data.draw(cases(f"planted-{number}", kinds=(of,)))
        plant(case)
        planted.append((kind, case.payment.id, case))
    everything = data.draw(st.permutations([*quiet, *(case for _, _, case in planted)]))
    found = found_in(*everything)
    assert sorted((f.kind, str(f.payment_id)) for f in found) == sorted((kind, id) for kind, id, _ in planted)
    assert len({finding.key for finding in found}) == len(found)
    for finding in found:
        assert finding.client_id == f"client-{finding.payment_id}"
        assert finding.text.endswith(".")
        assert finding.certain == (finding.kind in HEALED)


@pytest.mark.parametrize(
    ("of", "kind", "plant"), PLANTINGS, ids=lambda value: value if isinstance(value, DiscrepancyKind) else None
)
def test_what_is_planted_for_a_test_client_is_left_out(
    of: str, kind: DiscrepancyKind, plant: Callable[[Case], object]
) -> None:
    payment = LedgerPayment(
        id="1",
        client_id="client-1",
        status=PaymentStatus.PAID,
        because=None,
        amount=FEE,
        currency="USD",
        deadline=NOW,
        intent="pi_1",
    )
    case = two_books.TRUTHS[of](payment)
    plant(case)
    assert [finding.kind for finding in found_in(case)] == [kind]
    case.payment = replace(case.payment, test=True)
    if case.refund is not None:
        case.refund = replace(case.refund, test=True)
    assert found_in(case) == []


@pytest.mark.parametrize(
    ("status", "age", "kinds"),
    [
        ("requires_confirmation", 2 * HOUR, [DiscrepancyKind.STRAY_INTENT]),
        ("requires_confirmation", STRAY_AFTER, []),  # a step may be about to store it
        ("processing", STUCK_AFTER, []),
        ("processing", STUCK_AFTER + HOUR, [DiscrepancyKind.STUCK_PAYMENT]),
        ("canceled", 2 * HOUR, []),
    ],
)
def test_an_intent_that_names_a_payment_which_does_not_use_it(
    status: str, age: timedelta, kinds: list[DiscrepancyKind]
) -> None:
    scheduled = LedgerPayment(
        id="1",
        client_id="client-1",
        status=PaymentStatus.SCHEDULED,
        because=None,
        amount=FEE,
        currency="USD",
        deadline=NOW,
    )
    found = compare_payments([scheduled], [an_intent(status, named="1", age=age)], now=NOW)
    assert [finding.kind for finding in found] == kinds


# ---------------------------------------------------------------- of no payment of ours


def an_intent(status: str, *, named: str | None, age: timedelta = 2 * HOUR, refunded: int = 0) -> StripeIntent:
    received = FEE if status == "succeeded" else 0
    return StripeIntent(
        id="pi_x",
        payment_id=named,
        status=status,
        amount=FEE,
        received=received,
        currency="USD",
        created=NOW - age,
        refunded=refunded,
    )


@pytest.mark.parametrize(
    ("intent", "kinds"),
    [
        (an_intent("succeeded", named=None), [DiscrepancyKind.UNKNOWN_PAYMENT]),
        (an_intent("succeeded", named="gone"), [DiscrepancyKind.UNKNOWN_PAYMENT]),
        (an_intent("succeeded", named="gone", refunded=FEE), []),
        (an_intent("succeeded", named="gone", refunded=FEE - 1), [DiscrepancyKind.UNKNOWN_PAYMENT]),
        (an_intent("requires_confirmation", named="gone"), []),  # another installation's
        (an_intent("requires_confirmation", named=None), []),  # another program's checkout
        (an_intent("processing", named="gone", age=STUCK_AFTER + HOUR), []),
        (an_intent("canceled", named="gone"), []),
    ],
)
def test_an_intent_of_no_payment_of_ours(intent: StripeIntent, kinds: list[DiscrepancyKind]) -> None:
    found = compare_payments([], [intent], now=NOW)
    assert [finding.kind for finding in found] == kinds
    assert all((finding.intent, finding.client_id) == ("pi_x", None) for finding in found)


def test_refunds_and_disputes_of_what_is_not_ours_are_not_ours() -> None:
    refund = StripeRefund(id="re_x", refund_id=None, intent="pi_x", status="succeeded", amount=FEE, currency="USD")
    dispute = StripeDispute(id="dp_x", intent="pi_x", status="lost")
    assert compare_refunds([], [refund, replace(refund, id="re_y", intent=None)], payments={}, now=NOW) == []
    assert compare_disputes({}, [dispute, replace(dispute, id="dp_y", intent=None)], payments={}) == []


def test_a_refund_that_is_being_asked_for_is_no_difference_yet() -> None:
    payment = LedgerPayment(
        id="1",
        client_id="client-1",
        status=PaymentStatus.PAID,
        because=None,
        amount=FEE,
        currency="USD",
        deadline=NOW,
        intent="pi_1",
    )
    case = two_books.refunded(payment)
    two_books.change_refund(case, status=RefundStatus.PENDING, stripe_refund=None, asked_at=NOW - STRAY_AFTER)
    assert found_in(case) == []  # Stripe has made it, and the step is about to hear
    made = case.made.pop()
    assert found_in(case) == []
    assert [f.kind for f in found_in(case, now=NOW + STUCK_AFTER)] == [DiscrepancyKind.STUCK_REFUND]
    case.made.append(made)
    assert [f.kind for f in found_in(case, now=NOW + HOUR)] == [DiscrepancyKind.MISSED_REFUND]


def test_what_credit_cannot_cover_is_not_taken_for_paid() -> None:
    """Called off, its credit went elsewhere, and then the client paid the rest by an old link."""
    payment = LedgerPayment(
        id="1", client_id="c", status=PaymentStatus.OWED, because=None, amount=FEE, currency="USD", deadline=NOW,
        intent="pi_1", credit_at_hand=5000,
    )  # fmt: skip
    taken = intent_of(payment, "succeeded", received=7000)
    assert [f.kind for f in compare_payments([payment], [taken], now=NOW)] == [DiscrepancyKind.MISSED_PAYMENT]
    spent = replace(payment, credit_at_hand=4999)
    assert [f.kind for f in compare_payments([spent], [taken], now=NOW)] == [DiscrepancyKind.AMOUNT_DIFFERS]
