"""A statement as a PDF file, over as many pages as it takes."""

from dataclasses import replace
from datetime import date, timedelta

from papers.statement import statement_file
from rules.money.fees import Money
from rules.money.receipts import MOST_LINES, FeeStanding, Statement, StatementLine
from tests.papers.reading import pages_of, said_by
from tests.papers.test_receipt_file import AT, RECEIPT, STATED

DAY = "Tuesday 1 December 2026, 09:00 (New York time, EST)"
PAID = StatementLine(
    number=RECEIPT.number,
    service=RECEIPT.service,
    starts_at=AT,
    therapist=STATED.therapist,
    fee=RECEIPT.fee,
    standing=FeeStanding.GIVEN_BACK_IN_PART,
    receipt=RECEIPT,
)
OPEN = replace(
    PAID,
    number="0000-1111-2222",
    service="Appointment cancelled less than 48 hours before",
    fee=Money(9000, "USD"),
    standing=FeeStanding.NOT_PAID,
    receipt=None,
)
LET_GO = replace(OPEN, number="0000-1111-3333", standing=FeeStanding.LET_GO)


def statement(*lines: StatementLine, test: bool = False) -> Statement:
    return Statement(
        practice=STATED.practice,
        client_name=STATED.client_name,
        client_ref=STATED.client_ref,
        time_zone="America/New_York",
        first=date(2026, 12, 1),
        last=date(2026, 12, 31),
        begins_at=AT,
        lines=lines,
        test=test,
    )


def test_it_says_every_fee_how_it_stands_and_the_sums_by_currency() -> None:
    assert said_by(statement_file(statement(PAID, OPEN, LET_GO))) == [
        "Riverside Practice",
        "12 Elm Street, Albany, NY 12203",
        "Tax number: 12-3456789",
        "Statement, 1 December 2026 to 31 December 2026",
        "For Sara Lind (AB23CD45EF)",
        "Appointment Service Fee From credit By card Given back",
        f"{DAY} Therapy session, 50 minutes €120.00 EUR €20.00 EUR €100.00 EUR €15.00 EUR",
        "Partly given back · 3F2A-91C0-77DE · Ana Silva, LCSW · Licence: NY 085512",
        f"{DAY} Appointment cancelled less than 48 hours before $90.00 USD",
        "Not paid · 0000-1111-2222 · Ana Silva, LCSW · Licence: NY 085512",
        f"{DAY} Appointment cancelled less than 48 hours before $90.00 USD",
        "Nothing to pay · 0000-1111-3333 · Ana Silva, LCSW · Licence: NY 085512",
        "Paid from credit €20.00 EUR",
        "Paid by card €100.00 EUR",
        "Given back −€15.00 EUR",
        "Paid in total (EUR) €105.00 EUR",
        "Not paid $90.00 USD",
        "Paid in total (USD) $0.00 USD",
    ]


def test_a_time_without_fees_says_so() -> None:
    paper = statement_file(statement(test=True))
    assert said_by(paper)[0] == "Test: no money moved."
    assert said_by(paper)[-1] == "There are no fees in this time."
    assert paper.content == statement_file(statement(test=True)).content


def test_the_longest_is_whole_and_each_page_has_its_head() -> None:
    lines = [replace(PAID, number=f"{k:04}-0000-0000", starts_at=AT + timedelta(hours=k)) for k in range(MOST_LINES)]
    pages = pages_of(statement_file(statement(*lines, test=True)).content)
    told = "\n".join(pages)
    assert [told.count(line.number) for line in lines] == [1] * MOST_LINES
    assert all(page.count("Appointment Service Fee From credit By card Given back") == 1 for page in pages[:-1])
    assert all("Test: no money moved." in page for page in pages)
    assert all(f"Page {number} of {len(pages)}" in page for number, page in enumerate(pages, start=1))
    assert f"Paid in total (EUR) €{105 * MOST_LINES}.00 EUR" in pages[-1]


def test_long_names_go_over_several_lines() -> None:
    therapist = replace(STATED.therapist, name="Nadia " * 33, credentials="LCSW " * 20)
    said = said_by(statement_file(statement(*[replace(PAID, therapist=therapist)] * 30)))
    assert " ".join(said).count("Nadia") == 33 * 30


def test_long_times_and_amounts_stay_in_their_columns() -> None:
    far = replace(statement(replace(PAID, fee=Money(10_000_000_000, "USD"))), time_zone="Antarctica/DumontDUrville")
    said = said_by(statement_file(far))
    assert (
        "Wednesday 2 December 2026, 00:00 (DumontDUrville time, UTC+10:00) Therapy session, 50 minutes"
        " $100000000.00 USD $20.00 USD $100.00 USD $15.00 USD"
    ) in said
