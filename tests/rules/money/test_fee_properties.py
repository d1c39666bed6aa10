"""What holds of all fees, whatever the numbers: against slow models, and over any story a client's money may have."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.enums import AppointmentType, PaymentKind, RefundTo
from rules.money.credits import Available, PaidParts, oldest_first, split_refund
from rules.money.fees import (
    MINIMUM_CHARGE,
    Money,
    Split,
    cancellation,
    due_times,
    fee_due,
    minimum_charge,
    next_try,
    split_fee,
)
from rules.refusals import Refusal

ENDS = datetime(2026, 12, 1, 10, tzinfo=UTC)
spans = st.timedeltas(min_value=timedelta(), max_value=timedelta(days=10))
moments = st.timedeltas(min_value=timedelta(days=-5), max_value=timedelta(days=20)).map(lambda delta: ENDS + delta)
fees = st.integers(0, 1_000_000).map(lambda amount: Money(amount, "USD"))


@given(st.sampled_from(PaymentKind), fees, st.sampled_from(AppointmentType), st.booleans())
def test_a_fee_is_whole_or_nothing(event: PaymentKind, fee: Money, type: AppointmentType, waived: bool) -> None:
    due = fee_due(event=event, fee=fee, type=type, waived=waived)
    assert due is None or due == fee
    assert (due is None) == (waived or fee.amount == 0 or type is AppointmentType.INTRO_CALL)


@given(fees, st.sampled_from(AppointmentType), moments, st.booleans(), spans)
def test_a_cancellation_costs_the_fee_or_nothing(
    fee: Money, type: AppointmentType, now: datetime, by_client: bool, window: timedelta
) -> None:
    told = cancellation(
        type=type, fee=fee, starts_at=ENDS, now=now, requested_by_client=by_client, notice_window=window
    )
    assert told.fee is None or (told.fee == fee and told.late and by_client and ENDS - now < window)
    if told.late and fee.amount:
        assert told.fee == fee


@given(moments, spans, spans)
def test_due_never_before_the_mark_nor_after_the_deadline_unless_marked_late(
    marked_at: datetime, after: timedelta, deadline: timedelta
) -> None:
    told = due_times(marked_at=marked_at, ends_at=ENDS, charge_after=after, charge_deadline=deadline)
    assert told.deadline == ENDS + deadline
    assert told.due_at >= marked_at
    assert told.late == (marked_at > told.deadline)
    if told.late:
        assert told.due_at == marked_at  # at once
    else:
        assert told.due_at <= told.deadline
        assert told.due_at in (marked_at, ENDS + after, told.deadline)


@given(st.integers(1, 9), moments, moments, st.lists(spans, max_size=5).map(tuple))
def test_tries_end_and_none_passes_the_deadline(
    made: int, last: datetime, deadline: datetime, waits: tuple[timedelta, ...]
) -> None:
    again = next_try(tries_made=made, last_try_at=last, deadline=deadline, retries=waits)
    if again is not None:
        assert last <= again <= deadline
        assert made <= len(waits)


@given(st.integers(0, 400), st.integers(0, 500), st.integers(0, 120))
def test_a_fee_is_split_as_the_best_of_all_splits(amount: int, credit: int, minimum: int) -> None:
    """Of all ways to share it that Stripe would take, the one with the most credit."""
    possible = [used for used in range(min(amount, credit) + 1) if used == amount or amount - used >= minimum]
    told = split_fee(amount=amount, credit=credit, minimum=minimum)
    if not possible:
        assert told == Split(credit=0, card=0, below_minimum=True)
        return
    most = max(possible)
    assert told == Split(credit=most, card=amount - most)


@given(st.integers(1, 1_000_000), st.integers(0, 1_000_000), st.sampled_from([*MINIMUM_CHARGE, "GEL"]))
def test_no_charge_is_below_stripes_minimum_and_credit_and_card_make_the_fee(
    amount: int, credit: int, currency: str
) -> None:
    told = split_fee(amount=amount, credit=credit, minimum=minimum_charge(currency))
    assert 0 <= told.credit <= credit
    assert told.card == 0 or told.card >= minimum_charge(currency)
    assert told.credit + told.card == (0 if told.below_minimum else amount)


# ---------------------------------------------------------------- all of a client's money

MINIMUM = 50


@dataclass
class Fee:
    """One payment: open with what it has reserved, paid, or let go; and what was given back of it."""

    amount: int
    status: str = "open"  # open, paid, gone
    reserved: list[tuple[str, int]] = field(default_factory=list)
    by_card: int = 0
    to_card: int = 0
    to_credit: int = 0

    @property
    def by_credit(self) -> int:
        return sum(part for _, part in self.reserved)


@dataclass
class MoneyModel:
    """A client's credits and payments, moved by the rules alone."""

    given: dict[str, int] = field(default_factory=dict)  # as granted or refunded, oldest first
    remaining: dict[str, int] = field(default_factory=dict)
    payments: list[Fee] = field(default_factory=list)
    refunded: int = 0  # to credit
    granted: int = 0

    def grant(self, amount: int) -> None:
        self.granted += amount
        self._give(amount)

    def attempt(self, fee: Fee, *, succeeds: bool) -> None:
        if fee.status != "open":
            return
        at_hand = sum(self.remaining.values()) + fee.by_credit
        split = split_fee(amount=fee.amount, credit=at_hand, minimum=MINIMUM)
        if split.below_minimum:
            return
        self._back(fee)
        left = [Available(id=id, remaining=cents) for id, cents in self.remaining.items()]
        fee.reserved = oldest_first(credits=left, amount=split.credit)
        for id, part in fee.reserved:
            self.remaining[id] -= part
        if succeeds or split.card == 0:
            fee.status, fee.by_card = "paid", split.card

    def let_go(self, fee: Fee) -> None:
        """Waived, written off, or stopped by an archive."""
        if fee.status == "open":
            self._back(fee)
            fee.status = "gone"

    def refund(self, fee: Fee, amount: int | None, to: RefundTo) -> None:
        if fee.status != "paid":
            return
        parts = PaidParts(
            by_card=fee.by_card,
            by_credit=fee.by_credit,
            refunded_to_card=fee.to_card,
            refunded_to_credit=fee.to_credit,
        )
        told = split_refund(parts=parts, amount=amount, to=to)
        if isinstance(told, Refusal):
            return
        fee.to_card += told.to_card
        fee.to_credit += told.to_credit
        self.refunded += told.to_credit
        if told.to_credit:
            self._give(told.to_credit)

    def _give(self, amount: int) -> None:
        id = f"c{len(self.given)}"
        self.given[id] = self.remaining[id] = amount

    def _back(self, fee: Fee) -> None:
        for id, part in fee.reserved:
            self.remaining[id] += part
        fee.reserved = []

    def is_right(self) -> None:
        in_use = sum(fee.by_credit for fee in self.payments if fee.status == "open")
        used = sum(fee.by_credit for fee in self.payments if fee.status == "paid")
        assert sum(fee.by_credit for fee in self.payments if fee.status == "gone") == 0
        assert self.granted + self.refunded == sum(self.remaining.values()) + in_use + used
        for id, left in self.remaining.items():
            assert 0 <= left <= self.given[id]
        for fee in self.payments:
            if fee.status == "paid":
                assert fee.by_card + fee.by_credit == fee.amount
                assert fee.by_card == 0 or fee.by_card >= MINIMUM
            assert 0 <= fee.to_card <= fee.by_card
            assert fee.to_card + fee.to_credit <= fee.amount


which = st.integers(0, 5)
steps = st.one_of(
    st.tuples(st.just("fee"), st.integers(1, 400)),
    st.tuples(st.just("grant"), st.integers(1, 300)),
    st.tuples(st.just("attempt"), which, st.booleans()),
    st.tuples(st.just("let go"), which),
    st.tuples(st.just("refund"), which, st.none() | st.integers(1, 450), st.sampled_from(RefundTo)),
)


@settings(max_examples=300)
@given(st.lists(steps, max_size=30))
def test_credit_is_conserved_whatever_is_granted_tried_waived_archived_and_refunded(
    story: list[tuple[str, int] | tuple[str, int, bool] | tuple[str, int, int | None, RefundTo]],
) -> None:
    money = MoneyModel()
    for step in story:
        match step:
            case ("fee", amount):
                money.payments.append(Fee(amount=amount))
            case ("grant", amount):
                money.grant(amount)
            case (_, number, *_) if not money.payments or number >= len(money.payments):
                continue
            case ("attempt", number, bool() as succeeds):
                money.attempt(money.payments[number], succeeds=succeeds)
            case ("let go", number):
                money.let_go(money.payments[number])
            case ("refund", number, amount_or_all, RefundTo() as to):
                money.refund(money.payments[number], amount_or_all, to)
        money.is_right()
