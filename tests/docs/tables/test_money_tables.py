"""The worked tables of credit, refunds, waivers, debts and disputes, compared with the rules."""

from datetime import UTC, datetime, timedelta

from activities.types.facts import PaymentFacts
from rules.booking.eligibility import UNMARKED_WITHIN, refuse_unmark, unmarkable_until
from rules.enums import AppointmentStatus, PaymentStatus, RefundTo
from rules.journey.settling import next_step
from rules.money.credits import Available, PaidParts, RefundParts, oldest_first, split_refund
from rules.money.fees import minimum_charge, split_fee
from rules.money.payment_states import FIRST, TABLE, Act, PaymentEvent, may
from rules.money.second_person import needs_second_person
from rules.policy import JourneyPolicy
from rules.refusals import Problem, Refusal
from tests.docs.pages import ROOT, table, words

RULES = (ROOT / "docs/journey.md").read_text()
END = datetime(2026, 3, 2, 15, 50, tzinfo=UTC)
POLICY = JourneyPolicy()


def cents(cell: str) -> int:
    """``115.00`` in minor units; 0 for a dash."""
    return 0 if cell == "-" else round(float(cell) * 100)


def test_what_credit_and_card_pay() -> None:
    assert minimum_charge("USD") == 50
    for fee, given, by_credit, by_card, left in table(RULES, "a fee of"):
        credits = [Available(id=str(n), remaining=cents(cell)) for n, cell in enumerate(given.split(", "))]
        split = split_fee(amount=cents(fee), credit=sum(one.remaining for one in credits), minimum=50)
        assert split.below_minimum == (by_card == "owed")
        assert (split.credit, split.card) == (cents(by_credit), 0 if split.below_minimum else cents(by_card)), fee
        taken = dict(oldest_first(credits=credits, amount=split.credit))
        assert [one.remaining - taken.get(one.id, 0) for one in credits] == [cents(cell) for cell in left.split(", ")]


def test_what_a_refund_gives_back_where() -> None:
    for by_card, by_credit, before_card, before_credit, asked, to, card, credit in table(
        RULES, "paid by card", "from credit"
    ):
        told = split_refund(
            parts=PaidParts(
                by_card=cents(by_card),
                by_credit=cents(by_credit),
                refunded_to_card=cents(before_card),
                refunded_to_credit=cents(before_credit),
            ),
            amount=None if asked == "all" else cents(asked),
            to=RefundTo(words(to)[0]),
        )
        if card == credit == "refused":
            assert isinstance(told, Refusal)
            assert told.name is Problem.PAYMENT_NOT_REFUNDABLE
        else:
            assert told == RefundParts(to_card=cents(card), to_credit=cents(credit))


def test_what_waits_for_a_second_person() -> None:
    for ceiling, alone, asked, what in table(RULES, "ceiling"):
        limit = None if ceiling == "none" else cents(ceiling)
        assert needs_second_person(limit, amount=cents(asked), alone=cents(alone)) == (what == "waits")


def test_how_a_payment_moves() -> None:
    told = {
        (PaymentStatus(state), PaymentEvent(words(event)[0])): PaymentStatus(words(end)[0])
        for event, states, end in table(RULES, "what happens", "to a payment that is")
        for state in words(states)
    }
    assert told == TABLE
    assert f"it begins as `{FIRST.value}`" in RULES


def test_which_outcome_may_be_taken_back() -> None:
    marked, seen = datetime(2026, 3, 2, 12, tzinfo=UTC), set[PaymentStatus | None]()
    for payments, after_it, may_be in table(RULES, "marked, its payment"):
        after_mark = timedelta(days=900) if after_it == "any time" else timedelta(hours=float(after_it.split()[0]))
        named: list[PaymentStatus | None] = [PaymentStatus(word) for word in words(payments)]
        for payment in named or [None]:
            seen.add(payment)
            refusal = refuse_unmark(
                status=AppointmentStatus.OCCURRED, payment=payment, marked_at=marked, now=marked + after_mark
            )
            assert (refusal is None) == (may_be == "yes"), (payment, after_it)
            due_at = marked + timedelta(days=1000)
            until = unmarkable_until(
                status=AppointmentStatus.OCCURRED, payment=payment, due_at=due_at, marked_at=marked
            )
            assert (until is not None and marked + after_mark <= until) == (may_be == "yes"), (payment, after_it)
    assert seen == {None, *PaymentStatus}
    assert timedelta(hours=24) == UNMARKED_WITHIN


def test_what_may_be_done_about_a_payment() -> None:
    rows = table(RULES, "a payment that is", "waive")
    assert {words(row[0])[0] for row in rows} == set(PaymentStatus)
    for stands, *told in rows:
        possible = [
            may(
                act,
                status=PaymentStatus(words(stands)[0]),
                because="archived" if "because archived" in stands else "something else",
                past_deadline="after its deadline" in stands,
            )
            for act in (Act.WAIVE, Act.WRITE_OFF, Act.RETRY, Act.REFUND)
        ]
        assert possible == [cell == "yes" for cell in told], stands


def test_what_a_dispute_holds_up() -> None:
    deadline = END + POLICY.charge_deadline
    for stands, meanwhile, then in table(RULES, "a payment that is", "while a dispute's task is open"):
        payment = PaymentFacts(
            id="p",
            status=PaymentStatus(words(stands)[0]),
            amount=15000,
            currency="USD",
            due_at=END + POLICY.charge_after,
            deadline=deadline,
            next_try_at=END + timedelta(hours=30) if "next try at E + 30 h" in stands else None,
            frozen=True,
        )
        step = next_step(payment)
        if meanwhile.startswith("waits"):
            assert (step.at, step.owe, words(then)) == (deadline, True, ["owed"]), stands
        else:
            assert (step.owe, then) == (False, "-"), stands
