"""GET /v1/payments/totals: sums by local day, therapist and currency; as the rules' worked table has them."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from api.routes.money import totals
from models.reads.money.balance import payment_line
from models.reads.money.ledger import Moved
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from rules.enums import PaymentStatus, RefundStatus
from rules.money.currencies import in_units
from rules.money.payment_states import Because, is_owed
from tests.api.conftest import DESK, StandingClock, fields_of
from tests.care.ledger_rows import LedgerRows, let_go
from tests.care.rows import DAY, NOW, Rows
from tests.docs.pages import ROOT, table, words

CSV = {"Accept": "text/csv"}
HOUR = timedelta(hours=1)
LONG_AGO = NOW - timedelta(days=90)
NEW_YORK = "America/New_York"
NAMES = [what.value for what in Moved]


async def get(api: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    answer = await api.get("/v1/payments/totals", params=params, headers=DESK)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def amounts(line: dict[str, Any]) -> dict[str, int]:
    """What is not zero."""
    return {name: line[name]["amount"] for name in NAMES if line[name]["amount"]}


def minor(cell: str) -> int:
    return int(cell.replace(".", ""))


# ---------------------------------------------------------------- the worked table


async def happened(
    ledger_rows: LedgerRows, client: Client, therapist: Therapist, *, what: str, at: datetime, amount: int
) -> None:
    """One line of the table. What is given back, or in question, was paid long before."""
    if what == "paid by card":
        await ledger_rows.payment(client, therapist, due_at=at - DAY, paid_at=at, amount=amount)
    elif what == "paid from credit":
        await ledger_rows.payment(client, therapist, due_at=at - DAY, paid_at=at, amount=amount, credit=amount)
    elif what == "waived":
        exception = let_go(when=at)
        status = PaymentStatus.WAIVED
        await ledger_rows.payment(client, therapist, due_at=at + DAY, amount=amount, status=status, exception=exception)
    elif what == "written off":
        exception = let_go(when=at)
        status = PaymentStatus.WRITTEN_OFF
        await ledger_rows.payment(client, therapist, due_at=LONG_AGO, amount=amount, status=status, exception=exception)
    elif what == "due, and owed since":
        await ledger_rows.payment(client, therapist, due_at=at, amount=amount, status=PaymentStatus.OWED)
    else:
        paid = await ledger_rows.payment(client, therapist, due_at=LONG_AGO, amount=amount)
        if what == "refunded to card":
            await ledger_rows.refund(paid, at=at, card=amount, finished_at=at)
        elif what == "that refund failed":
            # Its other half, the asking, is the line before: here it lies outside of what is looked at.
            failed = RefundStatus.FAILED
            await ledger_rows.refund(paid, at=LONG_AGO, card=amount, status=failed, finished_at=at)
        elif what == "refunded to credit":
            await ledger_rows.refund(paid, at=at, credit=amount, finished_at=at)
        elif what == "disputed":
            await ledger_rows.dispute(paid, at=at, amount=amount, status="under_review")
        else:
            assert what == "dispute lost"
            await ledger_rows.dispute(paid, at=LONG_AGO, amount=amount, status="lost", closed_at=at)


async def test_the_worked_table_of_the_rules(
    api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows, clock: StandingClock
) -> None:
    page, zone = (ROOT / "docs/journey.md").read_text(), ZoneInfo(NEW_YORK)
    clock.advance(days=30)
    people = {slug: await rows.therapist(slug) for slug in ("ana", "ben")}
    clients = {slug: await rows.client(therapist) for slug, therapist in people.items()}
    events = table(page, "what happened", "to a session of")
    for what, slug, told, amount in events:
        at = datetime.fromisoformat(told).replace(tzinfo=zone).astimezone(UTC)
        await happened(ledger_rows, clients[slug], people[slug], what=what, at=at, amount=minor(amount))

    expected = table(page, "day", "therapist", "`card`")
    [header] = [line for line in page.splitlines() if line.startswith("| day | therapist | `card` |")]
    columns = words(header)
    answer = await get(api, **{"from": "2026-03-07", "to": "2026-03-09", "time_zone": NEW_YORK})

    def cells(line: dict[str, Any]) -> list[int]:
        return [line[name] if name == "card_net" else line[name]["amount"] for name in columns]

    assert {*columns} == {*NAMES, "card_net"}
    assert [[item["date"], item["therapist"], *cells(item)] for item in answer["items"]] == [
        [day, slug, *map(minor, row)] for day, slug, *row in expected[:-1]
    ]
    [everything] = answer["sums"]
    assert cells(everything) == [minor(cell) for cell in expected[-1][2:]]
    assert everything["currency"] == "USD"
    assert (answer["from"], answer["to"], answer["time_zone"]) == ("2026-03-07", "2026-03-09", NEW_YORK)
    [first] = [item for item in answer["items"] if item["date"] == "2026-03-07"]
    assert (first["card"], first["credit"]) == ({"count": 2, "amount": 25000}, {"count": 1, "amount": 5000})
    assert everything["refunded_to_card"] == {"count": 1, "amount": 4000}  # three were asked for or failed: 2 - 1

    # The table names what each sum is of.
    told_sums = [name for row in table(page, "sum", "of what") for name in words(row[0])]
    assert sorted(told_sums) == sorted(columns)


# ---------------------------------------------------------------- what is in a sum


async def test_a_failed_refund_changes_no_day_that_is_over(
    api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows
) -> None:
    ana = await rows.therapist()
    paid = await ledger_rows.payment(await rows.client(ana), ana, due_at=NOW - 9 * DAY)
    refund = await ledger_rows.refund(
        paid, at=NOW - 3 * DAY, card=15000, credit=500, status=RefundStatus.PENDING, finished_at=None
    )
    yesterday = {"from": "2026-02-20", "to": "2026-03-01"}
    before = await get(api, **yesterday)
    assert [amounts(item) for item in before["items"]] == [
        {"card": 15000},
        {"refunded_to_card": 15000, "refunded_to_credit": 500},
    ]
    for status, finished_at in ((RefundStatus.SUCCEEDED, NOW - 2 * DAY), (RefundStatus.FAILED, NOW)):
        refund.status, refund.finished_at = status, finished_at
        await rows.add(refund)
        assert await get(api, **yesterday) == before
    [today] = (await get(api, **{"from": "2026-03-02"}))["items"]
    assert (today["refunded_to_card"], today["card_net"]) == ({"count": -1, "amount": -15000}, 15000)
    [everything] = (await get(api))["sums"]
    assert (everything["card_net"], amounts(everything)) == (15000, {"card": 15000, "refunded_to_credit": 500})


async def test_what_is_owed_is_what_the_balance_says(
    api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows, clock: StandingClock
) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana)
    made = [
        await ledger_rows.payment(sara, ana, due_at=NOW, credit=100, status=status, because=because, deadline=deadline)
        for status in PaymentStatus
        for because in (None, Because.ARCHIVED.value, "outcome_corrected")
        for deadline in (NOW - HOUR, NOW, NOW + HOUR)
    ]
    expected = [payment_line(payment) for payment in made if is_owed(payment_line(payment), now=NOW)]
    assert len(expected) > 5
    [item] = (await get(api))["items"]
    assert item["owed"] == {"count": len(expected), "amount": 14900 * len(expected)}
    balance = (await api.get(f"/v1/clients/{sara.id}/balance", headers=DESK)).json()
    assert balance["owed"] == item["owed"]["amount"]


async def test_therapists_and_currencies_stand_apart_and_test_clients_are_left_out(
    api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows
) -> None:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    sara, tester = await rows.client(ana), await rows.client(ana, test=True)
    await ledger_rows.payment(sara, ana, due_at=NOW, amount=15000)
    await ledger_rows.payment(sara, ana, due_at=NOW, amount=9000, currency="EUR")
    await ledger_rows.payment(sara, ben, due_at=NOW, amount=7000)
    played = await ledger_rows.payment(tester, ana, due_at=NOW, amount=99999, credit=100)
    await ledger_rows.refund(played, at=NOW, card=500, credit=500)
    await ledger_rows.dispute(played, at=NOW, amount=500, status="lost", closed_at=NOW)
    for status in (PaymentStatus.OWED, PaymentStatus.WAIVED, PaymentStatus.WRITTEN_OFF):
        await ledger_rows.payment(tester, ana, due_at=NOW, status=status, exception=let_go(when=NOW))
    answer = await get(api)
    assert [(item["therapist"], item["currency"], amounts(item)) for item in answer["items"]] == [
        ("ana", "EUR", {"card": 9000}),
        ("ana", "USD", {"card": 15000}),
        ("ben", "USD", {"card": 7000}),
    ]
    assert [(line["currency"], amounts(line)) for line in answer["sums"]] == [
        ("EUR", {"card": 9000}),
        ("USD", {"card": 22000}),
    ]
    assert [item["therapist"] for item in (await get(api, therapist="ben"))["items"]] == ["ben"]
    assert (await get(api, therapist="nobody"))["items"] == []


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("UTC", {"2026-03-02": 2, "2026-03-03": 2}),
        ("America/New_York", {"2026-03-01": 1, "2026-03-02": 3}),
        ("Asia/Kathmandu", {"2026-03-02": 1, "2026-03-03": 3}),
        ("Pacific/Kiritimati", {"2026-03-02": 1, "2026-03-03": 3}),
    ],
)
async def test_a_day_is_the_zones_own(
    api: httpx.AsyncClient, ledger_rows: LedgerRows, clock: StandingClock, *, zone: str, days: dict[str, int]
) -> None:
    rows = ledger_rows.rows
    ana = await rows.therapist()
    sara = await rows.client(ana)
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    for hours in (0, 23.9999, 24, 24.5):
        await ledger_rows.payment(sara, ana, due_at=midnight + hours * HOUR)
    clock.advance(days=3)
    found = await get(api, time_zone=zone)
    assert {item["date"]: item["card"]["count"] for item in found["items"]} == days
    for day, count in days.items():
        [item] = (await get(api, **{"from": day, "to": day, "time_zone": zone}))["items"]
        assert item["card"]["count"] == count


async def test_a_day_without_a_midnight_begins_when_its_clocks_do(
    api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows, clock: StandingClock
) -> None:
    """In Beirut the clocks went from 00:00 to 01:00 on 29 March 2026."""
    ana = await rows.therapist()
    sara = await rows.client(ana)
    begins = datetime(2026, 3, 28, 22, tzinfo=UTC)
    await ledger_rows.payment(sara, ana, due_at=begins - timedelta(microseconds=1), amount=100)
    await ledger_rows.payment(sara, ana, due_at=begins, amount=200)
    clock.advance(days=40)
    found = await get(api, **{"from": "2026-03-28", "to": "2026-03-29", "time_zone": "Asia/Beirut"})
    assert [(item["date"], item["card"]["amount"]) for item in found["items"]] == [
        ("2026-03-28", 100),
        ("2026-03-29", 200),
    ]


async def test_large_sums_are_exact(api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana)
    for amount in (9_007_199_254_740_993, 9_007_199_254_740_993, 1):
        await ledger_rows.payment(sara, ana, due_at=NOW, amount=amount)
    [item] = (await get(api))["items"]
    assert item["card"]["amount"] == 18_014_398_509_481_987


# ---------------------------------------------------------------- files and bounds


async def test_a_file_has_the_same_numbers(api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows) -> None:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    sara = await rows.client(ana)
    paid = await ledger_rows.payment(sara, ana, due_at=NOW - 2 * DAY, amount=15000, credit=5000)
    await ledger_rows.refund(paid, at=NOW, card=10000, finished_at=NOW)
    await ledger_rows.payment(sara, ben, due_at=NOW, amount=1200, currency="JPY")
    answer = await api.get("/v1/payments/totals", headers=DESK | CSV)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    named = 'attachment; filename="totals-2026-01-31-to-2026-03-02.csv"'
    assert answer.headers["content-disposition"] == named
    lines = list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))
    assert [*lines[0]] == list(totals.TOTAL_COLUMNS)
    items = (await get(api))["items"]
    assert len(items) == 3
    for line, item in zip(lines, items, strict=True):
        assert [line[name] for name in ("date", "therapist", "currency")] == [
            item[name] for name in ("date", "therapist", "currency")
        ]
        for name in NAMES:
            told = {"count": int(line[f"{name}_count"]), "amount": int(line[f"{name}_amount"])}
            assert told == item[name]
            assert line[f"{name}_amount_decimal"] == f"{in_units(told['amount'], item['currency']):f}"
        assert int(line["card_net"]) == item["card_net"]
    assert [line["card_net_decimal"] for line in lines] == ["100.00", "-100.00", "1200"]


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({}, ("2026-01-31", "2026-03-02")),
        ({"to": "2026-02-01"}, ("2026-01-02", "2026-02-01")),
        ({"from": "2026-02-01"}, ("2026-02-01", "2026-03-02")),
        ({"from": "2026-04-01"}, ("2026-04-01", "2026-04-01")),
        ({"from": "2024-01-01", "to": "2024-12-31"}, ("2024-01-01", "2024-12-31")),
        ({"time_zone": "Pacific/Kiritimati"}, ("2026-02-01", "2026-03-03")),
    ],
)
async def test_what_is_left_out_is_the_last_month(
    api: httpx.AsyncClient, params: dict[str, str], told: tuple[str, str]
) -> None:
    answer = await get(api, **params)
    assert (answer["from"], answer["to"]) == told
    assert (answer["items"], answer["sums"]) == ([], [])


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"from": "2025-01-01", "to": "2026-01-02"}, "to"),
        ({"from": "2026-01-02", "to": "2026-01-01"}, "to"),
        ({"from": "2025-01-01"}, "to"),
        ({"from": "0001-01-01", "to": "0001-01-01"}, "from"),
        ({"to": "0001-01-01"}, "from"),
        ({"to": "9999-12-31"}, "from"),
        ({"from": "2026-03-02T10:00:00Z"}, "from"),
        ({"from": "funday"}, "from"),
        ({"time_zone": "Nowhere"}, "time_zone"),
    ],
)
async def test_bad_ranges_are_refused_by_name(api: httpx.AsyncClient, params: dict[str, str], field: str) -> None:
    for headers in (DESK, DESK | CSV):
        assert fields_of(await api.get("/v1/payments/totals", params=params, headers=headers)) == [field]
