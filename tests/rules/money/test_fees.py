"""Fees by worked tables. Sessions here end on Tuesday 1 December 2026 at 10:00 UTC and cost 120.00 USD."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.enums import AppointmentType, DeclineClass, PaymentKind
from rules.money.fees import (
    MINIMUM_CHARGE,
    Cancellation,
    Money,
    Split,
    cancellation,
    change_until,
    classify_decline,
    due_times,
    fee_due,
    may_client_change,
    minimum_charge,
    next_try,
    split_fee,
)

SESSION, INTRO = AppointmentType.SESSION, AppointmentType.INTRO_CALL
FEE = Money(12000, "USD")
FREE = Money(0, "USD")
ENDS = datetime(2026, 12, 1, 10, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
WINDOW = 48 * HOUR


class TestMoney:
    def test_adds_and_subtracts_its_own_currency(self) -> None:
        assert FEE + Money(1, "USD") == Money(12001, "USD")
        assert FEE - FEE == FREE
        with pytest.raises(ValueError, match="USD and EUR do not add up"):
            FEE + Money(1, "EUR")
        with pytest.raises(ValueError, match="USD and EUR do not add up"):
            FEE - Money(1, "EUR")
        with pytest.raises(ValueError, match="never negative"):
            FREE - Money(1, "USD")

    @pytest.mark.parametrize("amount", [120.0, "120", True, None])
    def test_an_amount_is_a_whole_number(self, amount: object) -> None:
        with pytest.raises(TypeError, match="whole number of minor units"):
            Money(amount, "USD")  # type: ignore[arg-type]

    @pytest.mark.parametrize("currency", ["usd", "US", "USDX", "U5D", "", "ÄÖÜ"])
    def test_a_currency_is_three_capital_letters(self, currency: str) -> None:
        with pytest.raises(ValueError, match="three capital letters"):
            Money(1, currency)


@pytest.mark.parametrize(
    ("event", "fee", "kind", "waived", "due"),
    [
        (PaymentKind.SESSION, FEE, SESSION, False, FEE),
        (PaymentKind.NO_SHOW, FEE, SESSION, False, FEE),
        (PaymentKind.LATE_CANCELLATION, FEE, SESSION, False, FEE),
        (PaymentKind.NO_SHOW, FEE, SESSION, True, None),
        (PaymentKind.SESSION, FEE, SESSION, True, None),
        (PaymentKind.SESSION, FREE, SESSION, False, None),
        (PaymentKind.NO_SHOW, FREE, SESSION, False, None),
        (PaymentKind.SESSION, FEE, INTRO, False, None),
        (PaymentKind.NO_SHOW, FREE, INTRO, False, None),
        (PaymentKind.LATE_CANCELLATION, FEE, INTRO, False, None),
    ],
)
def test_fee_due(event: PaymentKind, fee: Money, kind: AppointmentType, waived: bool, due: Money | None) -> None:
    assert fee_due(event=event, fee=fee, type=kind, waived=waived) == due


@pytest.mark.parametrize(
    ("marked", "after", "due", "late"),
    [  # all relative to the end of the session
        (-HOUR / 2, 24 * HOUR, 24 * HOUR, False),
        (0 * HOUR, 24 * HOUR, 24 * HOUR, False),
        (24 * HOUR, 24 * HOUR, 24 * HOUR, False),
        (30 * HOUR, 24 * HOUR, 30 * HOUR, False),
        (48 * HOUR, 24 * HOUR, 48 * HOUR, False),
        (48 * HOUR + SECOND, 24 * HOUR, 48 * HOUR + SECOND, True),
        (90 * HOUR, 24 * HOUR, 90 * HOUR, True),
        (HOUR, 0 * HOUR, HOUR, False),
        (HOUR, 72 * HOUR, 48 * HOUR, False),  # never due after the deadline
        (90 * HOUR, 72 * HOUR, 90 * HOUR, True),
    ],
)
def test_due_times(marked: timedelta, after: timedelta, due: timedelta, late: bool) -> None:
    times = due_times(marked_at=ENDS + marked, ends_at=ENDS, charge_after=after, charge_deadline=48 * HOUR)
    assert (times.due_at - ENDS, times.deadline - ENDS, times.late) == (due, 48 * HOUR, late)


@pytest.mark.parametrize(
    ("kind", "fee", "left", "by_client", "late", "due"),
    [
        (SESSION, FEE, 48 * HOUR + SECOND, True, False, None),
        (SESSION, FEE, 48 * HOUR, True, False, None),
        (SESSION, FEE, 48 * HOUR - SECOND, True, True, FEE),
        (SESSION, FEE, HOUR, True, True, FEE),
        (SESSION, FEE, -HOUR, True, True, FEE),
        (SESSION, FREE, HOUR, True, True, None),
        (SESSION, FEE, HOUR, False, False, None),
        (INTRO, FREE, HOUR, True, False, None),
        (INTRO, FEE, HOUR, True, False, None),
    ],
)
def test_cancellation(
    *, kind: AppointmentType, fee: Money, left: timedelta, by_client: bool, late: bool, due: Money | None
) -> None:
    answer = cancellation(
        type=kind,
        fee=fee,
        starts_at=ENDS,
        now=ENDS - left,
        requested_by_client=by_client,
        notice_window=WINDOW,
    )
    assert answer == Cancellation(late=late, fee=due)


@pytest.mark.parametrize(
    ("kind", "left", "allowed"),
    [
        (SESSION, 49 * HOUR, True),
        (SESSION, 48 * HOUR, True),
        (SESSION, 48 * HOUR - SECOND, False),
        (SESSION, -HOUR, False),
        (INTRO, 48 * HOUR, True),
        (INTRO, SECOND, True),
        (INTRO, 0 * HOUR, False),
        (INTRO, -HOUR, False),
    ],
)
def test_may_client_change(kind: AppointmentType, left: timedelta, allowed: bool) -> None:
    assert may_client_change(type=kind, starts_at=ENDS, now=ENDS - left, notice_window=WINDOW) is allowed
    if kind is SESSION or left:  # an intro call's last moment is its start, at which it is too late
        until = change_until(type=kind, starts_at=ENDS, notice_window=WINDOW)
        assert (ENDS - left <= until) is allowed


@pytest.mark.parametrize(
    ("code", "decline_code", "expected"),
    [
        ("card_declined", "insufficient_funds", DeclineClass.SOFT),
        ("card_declined", "do_not_honor", DeclineClass.SOFT),
        ("card_declined", "generic_decline", DeclineClass.SOFT),
        ("card_declined", "try_again_later", DeclineClass.SOFT),
        ("processing_error", None, DeclineClass.SOFT),
        ("card_declined", None, DeclineClass.SOFT),
        (None, None, DeclineClass.SOFT),
        ("something_new", "something_newer", DeclineClass.SOFT),
        ("authentication_required", "authentication_required", DeclineClass.AUTHENTICATION_REQUIRED),
        ("authentication_required", None, DeclineClass.AUTHENTICATION_REQUIRED),
        ("expired_card", "expired_card", DeclineClass.NEW_CARD_NEEDED),
        ("expired_card", None, DeclineClass.NEW_CARD_NEEDED),
        ("incorrect_cvc", "generic_decline", DeclineClass.NEW_CARD_NEEDED),
        ("incorrect_number", None, DeclineClass.NEW_CARD_NEEDED),
        ("invalid_expiry_year", None, DeclineClass.NEW_CARD_NEEDED),
        ("card_declined", "lost_card", DeclineClass.HARD),
        ("card_declined", "stolen_card", DeclineClass.HARD),
        ("card_declined", "fraudulent", DeclineClass.HARD),
        ("card_declined", "pickup_card", DeclineClass.HARD),
        ("card_declined", "restricted_card", DeclineClass.HARD),
        ("expired_card", "stolen_card", DeclineClass.HARD),
    ],
)
def test_classify_decline(code: str | None, decline_code: str | None, expected: DeclineClass) -> None:
    assert classify_decline(code, decline_code) is expected


class TestNextTry:
    RETRIES = (6 * HOUR, 12 * HOUR)
    DUE, DEADLINE = ENDS + 24 * HOUR, ENDS + 48 * HOUR

    def after(self, tries_made: int, last_try_at: datetime) -> datetime | None:
        return next_try(tries_made=tries_made, last_try_at=last_try_at, deadline=self.DEADLINE, retries=self.RETRIES)

    def test_three_tries_in_all(self) -> None:
        second = self.after(1, self.DUE)
        assert second == self.DUE + 6 * HOUR
        assert self.after(2, second) == self.DUE + 18 * HOUR
        assert self.after(3, self.DUE) is None

    def test_only_up_to_the_deadline(self) -> None:
        assert self.after(1, self.DEADLINE - 6 * HOUR) == self.DEADLINE
        assert self.after(1, self.DEADLINE - 6 * HOUR + SECOND) is None
        assert self.after(1, self.DEADLINE + HOUR) is None  # a late mark has one try

    def test_there_is_no_next_before_the_first(self) -> None:
        with pytest.raises(ValueError, match="before the first"):
            self.after(0, self.DUE)


@pytest.mark.parametrize(
    ("amount", "credit", "expected"),
    [
        (12000, 0, Split(credit=0, card=12000)),
        (12000, 5000, Split(credit=5000, card=7000)),
        (12000, 12000, Split(credit=12000, card=0)),
        (12000, 99999, Split(credit=12000, card=0)),
        (12000, 11950, Split(credit=11950, card=50)),
        (12000, 11951, Split(credit=11950, card=50)),  # a rest of 49 is raised to the least a card may pay
        (12000, 11999, Split(credit=11950, card=50)),
        (50, 1, Split(credit=0, card=50)),
        (49, 0, Split(credit=0, card=0, below_minimum=True)),
        (49, 48, Split(credit=0, card=0, below_minimum=True)),
        (49, 49, Split(credit=49, card=0)),
        (0, 10, Split(credit=0, card=0)),
    ],
)
def test_split_fee(amount: int, credit: int, expected: Split) -> None:
    assert split_fee(amount=amount, credit=credit, minimum=50) == expected


def test_negative_amounts_do_not_split() -> None:
    with pytest.raises(ValueError, match="never negative"):
        split_fee(amount=100, credit=-1, minimum=50)


def test_minimum_charges() -> None:
    assert (minimum_charge("USD"), minimum_charge("gbp"), minimum_charge("JPY")) == (50, 30, 50)
    assert minimum_charge("ZZZ") == 1
    assert all(Money(amount, currency).amount > 0 for currency, amount in MINIMUM_CHARGE.items())
