"""What a receipt and a statement say, and why there is none."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from rules.enums import PaymentKind, PaymentStatus
from rules.money.currencies import in_full
from rules.money.fees import Money
from rules.money.payment_states import Because
from rules.money.receipts import (
    FeeStanding,
    GivenBack,
    GivenTo,
    Letterhead,
    Licence,
    Practitioner,
    Receipt,
    Stated,
    Statement,
    StatementLine,
    licences_that_apply,
    no_receipt,
    receipt_number,
    refuse_period,
    service_of,
    standing_of,
)
from rules.refusals import Problem

AT = datetime(2026, 12, 1, 14, 0, tzinfo=UTC)
NY, NJ = Licence(state="NY", number="1"), Licence(state="NJ", number="2")
STATED = Stated(
    practice=Letterhead(name="Riverside", address="12 Elm Street", country="CA", state="ON", tax_id="1"),
    therapist=Practitioner(name="Ana", credentials="PhD", licences=(NY, NJ)),
    client_name="Sara Lind",
    client_ref="AB23",
    time_zone="America/New_York",
)
RECEIPT = Receipt(
    number="N", stated=STATED, service="S", starts_at=AT, paid_at=AT, fee=Money(12000, "USD"), credit=2000
)


def given(amount: int, to: GivenTo = GivenTo.CARD, **more: int) -> GivenBack:
    return GivenBack(amount=amount, to=to, at=AT + timedelta(**more))


def test_what_is_kept_with_a_payment_is_read_as_it_was() -> None:
    for stated in (STATED, replace(STATED, therapist=Practitioner(name="Ana"))):
        assert Stated.read(json.loads(json.dumps(stated.document()))) == stated


def test_a_number_follows_from_the_id_and_is_the_same_for_ever() -> None:
    assert receipt_number("3f2a91c0-77de-5abc-8000-0123456789ab") == "3F2A-91C0-77DE"


@pytest.mark.parametrize(
    ("clients", "practices", "applies"),
    [("NY", "NJ", [NY]), ("ny", "", [NY]), (None, "NJ", [NJ]), ("CA", "NY", [NY, NJ]), (None, "", [NY, NJ])],
)
def test_the_licence_is_that_of_where_the_client_lives(
    clients: str | None, practices: str, applies: list[Licence]
) -> None:
    assert [*licences_that_apply([NY, NJ], clients_state=clients, practices_state=practices)] == applies


def test_a_therapist_is_told_with_what_is_known() -> None:
    assert (STATED.therapist.title, STATED.therapist.licence) == ("Ana, PhD", "Licences: NY 1, NJ 2")
    assert Practitioner(name="Ana", licences=(NY,)).licence == "Licence: NY 1"
    assert (Practitioner(name="Ana").title, Practitioner(name="Ana").licence) == ("Ana", "")


@pytest.mark.parametrize(
    ("kind", "notice", "words"),
    [
        (PaymentKind.SESSION, 48, "Therapy session, 50 minutes"),
        (PaymentKind.NO_SHOW, 48, "Missed appointment, 50 minutes"),
        (PaymentKind.LATE_CANCELLATION, 48, "Appointment cancelled less than 48 hours before"),
        (PaymentKind.LATE_CANCELLATION, 1, "Appointment cancelled less than 1 hour before"),
        (PaymentKind.LATE_CANCELLATION, 1.5, "Appointment cancelled less than 90 minutes before"),
    ],
)
def test_a_service_is_told_in_neutral_words(kind: PaymentKind, notice: float, words: str) -> None:
    told = service_of(kind, starts_at=AT, ends_at=AT + timedelta(minutes=50), notice_window=timedelta(hours=notice))
    assert told == words


@pytest.mark.parametrize(
    ("given_back", "kept"),
    [
        ((), 12000),
        ((given(500), given(1000, GivenTo.CREDIT)), 10500),
        ((given(10000), given(2000, GivenTo.CREDIT)), 0),
        ((given(3000), given(12000, GivenTo.BANK)), 0),  # a bank takes back what it likes
    ],
)
def test_what_was_paid_is_the_fee_without_what_was_given_back(given_back: tuple[GivenBack, ...], kept: int) -> None:
    receipt = replace(RECEIPT, given_back=given_back)
    assert (receipt.by_card, receipt.kept) == (10000, kept)


def test_it_is_of_the_last_thing_that_it_tells() -> None:
    assert RECEIPT.as_of == AT
    assert replace(RECEIPT, given_back=(given(1, days=3), given(1, days=2))).as_of == AT + timedelta(days=3)


def test_what_an_archive_stopped_is_told_like_what_is_not_paid_yet() -> None:
    told = {
        no_receipt(status).detail for status in (PaymentStatus.SCHEDULED, PaymentStatus.CANCELLED, PaymentStatus.OWED)
    }
    assert len(told) == 1
    assert no_receipt(PaymentStatus.WAIVED) == no_receipt(PaymentStatus.WRITTEN_OFF)
    assert {no_receipt(status).name for status in PaymentStatus} == {Problem.PAYMENT_NOT_OPEN}


@pytest.mark.parametrize("status", list(PaymentStatus))
def test_how_a_fee_stands_without_a_receipt(status: PaymentStatus) -> None:
    if status in (PaymentStatus.PAID, PaymentStatus.REFUNDED, PaymentStatus.PARTIALLY_REFUNDED):
        return
    stands = standing_of(status, None, None)
    if status in (PaymentStatus.WAIVED, PaymentStatus.WRITTEN_OFF):
        assert stands is FeeStanding.LET_GO
    else:
        assert stands is (None if status is PaymentStatus.CANCELLED else FeeStanding.NOT_PAID)


def test_how_a_fee_stands() -> None:
    assert standing_of(PaymentStatus.CANCELLED, Because.ARCHIVED, None) is FeeStanding.NOT_PAID
    assert standing_of(PaymentStatus.PAID, None, RECEIPT) is FeeStanding.PAID
    in_part, lost = replace(RECEIPT, given_back=(given(1),)), replace(RECEIPT, given_back=(given(12000, GivenTo.BANK),))
    assert standing_of(PaymentStatus.PARTIALLY_REFUNDED, None, in_part) is FeeStanding.GIVEN_BACK_IN_PART
    assert standing_of(PaymentStatus.PAID, None, lost) is FeeStanding.GIVEN_BACK


def test_a_statement_adds_up_by_currency() -> None:
    line = StatementLine(
        number="N", service="S", starts_at=AT, therapist=STATED.therapist, fee=RECEIPT.fee, standing=FeeStanding.PAID,
        receipt=replace(RECEIPT, given_back=(given(500),)),
    )  # fmt: skip
    yen = replace(line, fee=Money(900, "JPY"), standing=FeeStanding.NOT_PAID, receipt=None)
    told = Statement(
        practice=STATED.practice, client_name="Sara", client_ref="AB", time_zone="UTC", first=date(2026, 1, 1),
        last=date(2026, 1, 2), begins_at=AT, lines=(line, yen, line, replace(yen, standing=FeeStanding.LET_GO)),
    )  # fmt: skip
    jpy, usd = told.totals
    assert (jpy.currency, jpy.not_paid, jpy.paid, jpy.kept) == ("JPY", 900, 0, 0)
    assert (usd.paid, usd.credit, usd.by_card, usd.returned, usd.kept) == (24000, 4000, 20000, 1000, 23000)


@pytest.mark.parametrize(
    ("first", "last", "wrong"),
    [
        (date(2026, 1, 1), date(2026, 12, 31), None),
        (date(2028, 1, 1), date(2028, 12, 31), None),  # a leap year has 366 days
        (date(2026, 1, 1), date(2026, 1, 1), None),
        (date(2026, 1, 1), date(2027, 1, 2), "at most 366 days"),
        (date(2026, 1, 2), date(2026, 1, 1), "before"),
        (date(1999, 12, 31), date(2000, 1, 1), "from"),
        (date(2199, 12, 31), date(2200, 1, 1), "to"),
    ],
)
def test_a_statement_is_of_a_year_at_most(first: date, last: date, wrong: str | None) -> None:
    refusal = refuse_period(first, last)
    assert (refusal is None) == (wrong is None)
    assert refusal is None or wrong in refusal.detail  # type: ignore[operator]


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [(12000, "usd", "$120.00 USD"), (5, "EUR", "€0.05 EUR"), (1200, "JPY", "¥1200 JPY"), (1250, "CHF", "12.50 CHF")],
)
def test_an_amount_has_its_code_and_its_sign(amount: int, currency: str, words: str) -> None:
    assert in_full(amount, currency) == words
