"""The worked tables of receipts and statements, compared with the rules."""

from dataclasses import replace
from datetime import timedelta

from rules.enums import PaymentKind, PaymentStatus
from rules.money.receipts import MOST_DAYS, MOST_LINES, GivenBack, GivenTo, no_receipt, service_of, standing_of
from rules.policy import JourneyPolicy
from tests.docs.pages import ROOT, table, words
from tests.papers.test_receipt_file import AT, RECEIPT

RULES = (ROOT / "docs/journey.md").read_text()
PAID = replace(RECEIPT, given_back=())
RECEIPTS = {
    PaymentStatus.PAID: PAID,
    PaymentStatus.PARTIALLY_REFUNDED: RECEIPT,
    PaymentStatus.REFUNDED: replace(PAID, given_back=(GivenBack(amount=12000, to=GivenTo.CARD, at=AT),)),
}


def test_how_a_service_is_told() -> None:
    for kind, (_, told) in zip(PaymentKind, table(RULES, "a fee is for"), strict=True):
        said = service_of(
            kind,
            starts_at=AT,
            ends_at=AT + timedelta(minutes=50),
            notice_window=JourneyPolicy().notice_window,
        )
        assert words(told) == [said]


def test_what_is_in_a_statement_and_has_a_receipt() -> None:
    rows = table(RULES, "a payment that is", "in a statement")
    assert {status for row in rows for status in words(row[0])} == set(PaymentStatus)
    for stands, standing, has in rows:
        because = "archived" if "because archived" in stands else None
        for status in map(PaymentStatus, words(stands)):
            receipt = RECEIPTS.get(status)
            said = standing_of(status, because, receipt)
            assert words(standing)[:1] == ([] if said is None else [said.value]), stands
            assert (has == "yes") == (receipt is not None), stands
            if words(has):
                assert words(has) == [no_receipt(status).name.value]


def test_how_long_one_is() -> None:
    assert f"at most {MOST_DAYS} days" in RULES
    assert f"it has {MOST_LINES:,} fees at most" in RULES
