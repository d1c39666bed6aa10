"""Credit and refunds, by worked cases and against slow models in which every single cent is moved by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.enums import PaymentStatus, RefundTo
from rules.money.credits import Available, PaidParts, RefundParts, oldest_first, split_refund
from rules.money.payment_states import Act, may
from rules.refusals import Problem, Refusal

amounts = st.integers(0, 300)


def credits(*remaining: int) -> list[Available]:
    return [Available(id=f"c{number}", remaining=left) for number, left in enumerate(remaining, start=1)]


@pytest.mark.parametrize(
    ("remaining", "amount", "parts"),
    [
        ((5000,), 5000, [("c1", 5000)]),
        ((5000,), 4999, [("c1", 4999)]),
        ((1000, 2000, 3000), 2500, [("c1", 1000), ("c2", 1500)]),
        ((0, 2000), 500, [("c2", 500)]),
        ((1000, 2000), 0, []),
        ((), 0, []),
    ],
)
def test_the_oldest_credit_pays_first(remaining: tuple[int, ...], amount: int, parts: list[tuple[str, int]]) -> None:
    assert oldest_first(credits=credits(*remaining), amount=amount) == parts


@pytest.mark.parametrize(("remaining", "amount"), [((), 1), ((1000, 2000), 3001), ((1000,), -1)])
def test_credit_never_goes_below_zero(remaining: tuple[int, ...], amount: int) -> None:
    with pytest.raises(ValueError, match="do not cover"):
        oldest_first(credits=credits(*remaining), amount=amount)


@given(st.lists(amounts, max_size=5), amounts)
def test_oldest_first_is_what_paying_cent_by_cent_gives(remaining: list[int], amount: int) -> None:
    if amount > sum(remaining):
        with pytest.raises(ValueError, match="do not cover"):
            oldest_first(credits=credits(*remaining), amount=amount)
        return
    left, taken = list(remaining), dict.fromkeys([f"c{number}" for number in range(1, len(remaining) + 1)], 0)
    for _ in range(amount):
        oldest = next(number for number, cents in enumerate(left) if cents)
        left[oldest] -= 1
        taken[f"c{oldest + 1}"] += 1
    told = oldest_first(credits=credits(*remaining), amount=amount)
    assert told == [(id, part) for id, part in taken.items() if part]


# ---------------------------------------------------------------- refunds

BOTH = PaidParts(by_card=9000, by_credit=3000, refunded_to_card=0, refunded_to_credit=0)


@pytest.mark.parametrize(
    ("parts", "amount", "to", "to_card", "to_credit"),
    [
        (BOTH, None, RefundTo.CARD, 9000, 3000),
        (BOTH, 4000, RefundTo.CARD, 4000, 0),
        (BOTH, 10000, RefundTo.CARD, 9000, 1000),
        (BOTH, None, RefundTo.CREDIT, 0, 12000),
        (BOTH, 1, RefundTo.CREDIT, 0, 1),
        (PaidParts(by_card=0, by_credit=12000, refunded_to_card=0, refunded_to_credit=0), None, RefundTo.CARD,
         0, 12000),
        (PaidParts(by_card=9000, by_credit=3000, refunded_to_card=9000, refunded_to_credit=1000), None, RefundTo.CARD,
         0, 2000),
        # So much went to credit that the card's part is not wholly there any more.
        (PaidParts(by_card=9000, by_credit=3000, refunded_to_card=0, refunded_to_credit=10000), None, RefundTo.CARD,
         2000, 0),
    ],
)  # fmt: skip
def test_a_refund_goes_to_the_card_as_far_as_the_card_paid(
    parts: PaidParts, amount: int | None, to: RefundTo, to_card: int, to_credit: int
) -> None:
    assert split_refund(parts=parts, amount=amount, to=to) == RefundParts(to_card=to_card, to_credit=to_credit)


@pytest.mark.parametrize(
    ("amount", "name", "refundable"),
    [(12001, Problem.PAYMENT_NOT_REFUNDABLE, 12000), (0, Problem.VALIDATION_FAILED, None),
     (-1, Problem.VALIDATION_FAILED, None)],
)  # fmt: skip
def test_a_refund_that_cannot_be(amount: int, name: Problem, refundable: int | None) -> None:
    told = split_refund(parts=BOTH, amount=amount, to=RefundTo.CARD)
    assert isinstance(told, Refusal)
    assert (told.name, told.data.get("refundable")) == (name, refundable)


def test_when_all_was_refunded_there_is_nothing_left() -> None:
    gone = PaidParts(by_card=9000, by_credit=3000, refunded_to_card=9000, refunded_to_credit=3000)
    told = split_refund(parts=gone, amount=None, to=RefundTo.CREDIT)
    assert isinstance(told, Refusal)
    assert (told.name, told.data) == (Problem.PAYMENT_NOT_REFUNDABLE, {"refundable": 0})


@st.composite
def paid_parts(draw: st.DrawFn) -> PaidParts:
    """What may have become of a payment: never more given back than was paid, nor to the card than it gave."""
    by_card, by_credit = draw(amounts), draw(amounts)
    to_card = draw(st.integers(0, by_card))
    return PaidParts(
        by_card=by_card,
        by_credit=by_credit,
        refunded_to_card=to_card,
        refunded_to_credit=draw(st.integers(0, by_card + by_credit - to_card)),
    )


@given(paid_parts(), st.none() | st.integers(1, 700), st.sampled_from(RefundTo))
def test_a_refund_is_what_giving_back_cent_by_cent_gives(parts: PaidParts, amount: int | None, to: RefundTo) -> None:
    told = split_refund(parts=parts, amount=amount, to=to)
    left = parts.refundable
    wanted = left if amount is None else amount
    if not 0 < wanted <= left:
        assert isinstance(told, Refusal)
        return
    card = credit = 0
    for _ in range(wanted):
        if to is RefundTo.CARD and parts.refunded_to_card + card < parts.by_card:
            card += 1
        else:
            credit += 1
    assert told == RefundParts(to_card=card, to_credit=credit)


@given(paid_parts(), st.lists(st.tuples(st.none() | st.integers(1, 300), st.sampled_from(RefundTo)), max_size=8))
def test_however_often_no_more_is_refunded_than_was_paid(
    parts: PaidParts, asked: list[tuple[int | None, RefundTo]]
) -> None:
    for amount, to in asked:
        told = split_refund(parts=parts, amount=amount, to=to)
        if isinstance(told, Refusal):
            continue
        assert min(told.to_card, told.to_credit) >= 0
        parts = PaidParts(
            by_card=parts.by_card,
            by_credit=parts.by_credit,
            refunded_to_card=parts.refunded_to_card + told.to_card,
            refunded_to_credit=parts.refunded_to_credit + told.to_credit,
        )
        assert parts.refunded_to_card <= parts.by_card
        assert parts.refundable >= 0


# ---------------------------------------------------------------- what may be done about a payment


@given(st.sampled_from(PaymentStatus), st.sampled_from([None, "archived", "declined"]), st.booleans())
def test_what_is_paid_is_refunded_and_what_is_not_is_let_go_and_never_both(
    status: PaymentStatus, because: str | None, past_deadline: bool
) -> None:
    possible = {act for act in Act if may(act, status=status, because=because, past_deadline=past_deadline)}
    assert Act.REFUND not in possible or possible == {Act.REFUND}
    assert Act.WRITE_OFF not in possible or Act.WAIVE in possible  # whatever may be given up may also be waived
    if status in (PaymentStatus.PROCESSING, PaymentStatus.WAIVED, PaymentStatus.WRITTEN_OFF, PaymentStatus.REFUNDED):
        assert not possible
