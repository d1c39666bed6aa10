"""GET /v1/payments: who sees which payments, by what they are found, and the same as a file."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from activities.types.clients import Done
from api.routes.money import ledger
from rules.enums import AppointmentStatus, PaymentKind, PaymentStatus, RefundStatus, Role
from tests.api.conftest import DESK, ROOT, SITE, StandingClock, ToldEngine, fields_of, problem_of
from tests.care.ledger_rows import LedgerRows, let_go
from tests.care.rows import DAY, NOW, Rows

CSV = {"Accept": "text/csv"}
HOUR = timedelta(hours=1)


async def get(api: httpx.AsyncClient, *, by: dict[str, str] = DESK, **params: Any) -> dict[str, Any]:
    answer = await api.get("/v1/payments", params=params, headers=by)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def ids(api: httpx.AsyncClient, **params: Any) -> list[str]:
    return [item["id"] for item in (await get(api, **params))["items"]]


async def csv_of(api: httpx.AsyncClient, *, by: dict[str, str] = DESK, **params: Any) -> list[dict[str, str]]:
    answer = await api.get("/v1/payments", params=params, headers=by | CSV)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["vary"] == "Accept"
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline=""), strict=True))


# ---------------------------------------------------------------- what is told


async def test_a_payment_tells_what_a_bookkeeper_needs_and_no_name(
    api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows
) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana, first_name="Sara", last_name="Lind", email="sara@example.com", phone="+15550100")
    paid = await ledger_rows.payment(
        sara, ana, due_at=NOW, credit=5000, status=PaymentStatus.PARTIALLY_REFUNDED, intent="pi_1", refunded=6000
    )
    await ledger_rows.refund(paid, at=NOW, card=4000, credit=1000)
    await ledger_rows.refund(paid, at=NOW + HOUR, card=1000, status=RefundStatus.PENDING)
    await ledger_rows.refund(paid, at=NOW + HOUR, card=2000, credit=500, status=RefundStatus.FAILED)
    await ledger_rows.dispute(paid, at=NOW, amount=10000, status="under_review")
    await ledger_rows.dispute(paid, at=NOW, amount=300, status="won", closed_at=NOW)
    answer = await api.get("/v1/payments", headers=DESK)
    assert answer.headers["vary"] == "Authorization, On-Behalf-Of, Acting-As, Accept"
    [item] = answer.json()["items"]
    assert item == {
        "id": str(paid.id),
        "appointment_id": str(paid.appointment_id),
        "kind": "session",
        "amount": 15000,
        "currency": "USD",
        "credit_used": 5000,
        "refunded": 6000,
        "status": "partially_refunded",
        "due_at": "2026-03-02T12:00:00Z",
        "deadline": "2026-03-03T12:00:00Z",
        "paid_at": "2026-03-02T12:00:00Z",
        "attempts": 0,
        "because": None,
        "client_id": str(sara.id),
        "client_ref": sara.ref,
        "test": False,
        "therapist": "ana",
        "starts_at": "2026-03-01T11:10:00Z",
        "ends_at": "2026-03-01T12:00:00Z",
        "intent": "pi_1",
        "card_amount": 10000,
        "refunded_to_card": 5000,
        "refunded_to_credit": 1500,
        "disputed": 10000,
        "exception": None,
    }
    for word in ("Sara", "Lind", "sara@example.com", "5550100"):
        assert word not in answer.text


async def test_an_exception_says_who_why_when_and_what_was_signed(
    api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows
) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana)
    waived = await ledger_rows.payment(
        sara,
        ana,
        due_at=NOW,
        status=PaymentStatus.WAIVED,
        exception=let_go(when=NOW + HOUR),
        exception_why="ill",
        because="waived",
    )
    [item] = (await get(api))["items"]
    assert (item["id"], item["card_amount"], item["because"]) == (str(waived.id), 0, "waived")
    told = {"who": "care_team:desk", "why": "ill", "when": "2026-03-02T13:00:00Z", "consent_version": "2026-1"}
    assert item["exception"] == told
    [line] = await csv_of(api, time_zone="America/New_York")
    in_new_york = told | {"when": "2026-03-02T08:00:00-05:00"}
    assert {name: line[f"exception_{name}"] for name in told} == in_new_york


async def test_a_therapist_decides_about_their_own_fees_alone_whoever_the_client_is_with(
    api: httpx.AsyncClient,
    engine: ToldEngine,
    rows: Rows,
    ledger_rows: LedgerRows,
    therapist_token: Callable[[str], Any],
) -> None:
    ana, ben = await rows.therapist(), await rows.therapist("ben")
    sara = await rows.client(ben)  # with Ana before
    engine.answers_to = {"waive_payment": Done(), "write_off_payment": Done(), "retry_payment": Done()}
    own = await ledger_rows.payment(sara, ana, due_at=NOW, status=PaymentStatus.OWED)
    tokens = {slug: await therapist_token(slug) for slug in ("ana", "ben")}
    body = {"reason": "a mistake"}
    for by, status in ((tokens["ben"], 404), (SITE, 403), (tokens["ana"], 200), (DESK, 200)):
        path = f"/v1/payments/{own.id}"
        answers = [await api.post(f"{path}/{act}", json=body, headers=by) for act in ("waive", "write-off")]
        answers += [await api.post(f"{path}/retry", headers=by), await api.get(f"{path}/refunds", headers=by)]
        assert [answer.status_code for answer in answers] == [status, status, 202 if status == 200 else status, status]
        if status != 200:
            refund = await api.post(f"{path}/refund", json=body | {"to": "credit"}, headers=by)
            assert refund.status_code == status
    assert {asked.order.by.role for asked in engine.asked} == {Role.THERAPIST, Role.CARE_TEAM}


async def test_the_balance_shows_what_there_is_in_other_currencies(
    api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows
) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana)
    await ledger_rows.payment(sara, ana, due_at=NOW, amount=9000, currency="EUR", status=PaymentStatus.OWED)
    await ledger_rows.payment(sara, ana, due_at=NOW - 9 * DAY, amount=700, currency="GBP")  # paid
    await ledger_rows.payment(sara, ana, due_at=NOW + DAY, status=PaymentStatus.OWED)
    told = (await api.get(f"/v1/clients/{sara.id}/balance", headers=DESK)).json()
    others = [{"credit": 0, "owed": 9000, "currency": "EUR"}]
    assert told == {"credit": 0, "owed": 15000, "currency": "USD", "by_currency": others}


async def test_what_is_not_taken_yet_was_not_paid_by_card(
    api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows
) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana)
    for number, status in enumerate(PaymentStatus):
        await ledger_rows.payment(sara, ana, due_at=NOW + number * DAY, credit=5000, status=status)
    by_card = {item["status"]: item["card_amount"] for item in (await get(api))["items"]}
    taken = {"paid", "partially_refunded", "refunded"}
    assert by_card == {status.value: 10000 if status.value in taken else 0 for status in PaymentStatus}


# ---------------------------------------------------------------- who sees what


async def test_the_care_team_sees_all_a_therapist_their_own_appointments_and_nobody_else_any(
    api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows, therapist_token: Callable[[str], Any]
) -> None:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    sara = await rows.client(ben)  # who was ana's client before
    first = await ledger_rows.payment(sara, ana, due_at=NOW)
    second = await ledger_rows.payment(sara, ben, due_at=NOW + DAY)
    both = [str(first.id), str(second.id)]
    assert await ids(api) == both
    assert problem_of(await api.get("/v1/payments", headers=ROOT)) == "not-allowed"  # an admin sees the totals alone
    assert problem_of(await api.get("/v1/payments", headers=ROOT | CSV)) == "not-allowed"
    assert (await api.get("/v1/payments/totals", headers=ROOT)).status_code == 200
    by_ana, by_ben = await therapist_token("ana"), await therapist_token("ben")
    assert await ids(api, by=by_ana) == both[:1]
    assert await ids(api, by=by_ben) == both[1:]  # also of a client who is theirs now
    assert await ids(api, by=by_ben, therapist="ana") == []
    assert [line["id"] for line in await csv_of(api, by=by_ben)] == both[1:]
    for path in ("/v1/payments", "/v1/payments/totals"):
        assert problem_of(await api.get(path, headers=SITE)) == "not-allowed"
        assert problem_of(await api.get(path, headers=SITE | CSV)) == "not-allowed"
        assert problem_of(await api.get(path, headers=CSV)) == "unauthenticated"
    assert problem_of(await api.get("/v1/payments/totals", headers=by_ana)) == "not-allowed"


# ---------------------------------------------------------------- by what they are found


async def test_each_filter_finds_what_it_names(api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows) -> None:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    sara, tom = await rows.client(ana), await rows.client(ben)
    tester = await rows.client(ana, test=True)
    one = str((await ledger_rows.payment(sara, ana, due_at=NOW)).id)
    two = str((await ledger_rows.payment(sara, ana, due_at=NOW + DAY, status=PaymentStatus.OWED)).id)
    three = str((await ledger_rows.payment(tom, ben, due_at=NOW + 2 * DAY, kind=PaymentKind.NO_SHOW, paid_at=NOW)).id)
    four = str((await ledger_rows.payment(tom, ben, due_at=NOW + 3 * DAY, status=PaymentStatus.FAILED)).id)
    play = str((await ledger_rows.payment(tester, ana, due_at=NOW)).id)
    for wanted, found in (
        ({}, [one, two, three, four]),
        ({"status": "owed"}, [two]),
        ({"status": ["owed", "failed"]}, [two, four]),
        ({"therapist": "ben"}, [three, four]),
        ({"therapist": "nobody"}, []),
        ({"client": str(sara.id)}, [one, two]),
        ({"client": str(uuid4())}, []),
        ({"kind": "no_show"}, [three]),
        ({"kind": "no_show", "status": "owed"}, []),
        ({"test": "true"}, [play]),
        ({"from": "2026-03-03"}, [two, three, four]),
        ({"to": "2026-03-03"}, [one, two]),
        ({"from": "2026-03-03", "to": "2026-03-04"}, [two, three]),
        ({"from": "2026-03-03T12:00:00Z", "to": "2026-03-04T12:00:00Z"}, [two]),  # up to an instant, without it
        ({"paid_from": "2026-03-02"}, [one, three]),
        ({"paid_to": "2026-03-01"}, []),
        ({"paid_from": "2026-03-02", "paid_to": "2026-03-02", "from": "2026-03-03"}, [three]),
    ):
        assert await ids(api, **wanted) == found, wanted
        assert [line["id"] for line in await csv_of(api, **wanted)] == found, wanted


async def test_dates_are_those_of_the_zone_that_is_named(
    api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows
) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana)
    at = datetime(2026, 3, 9, 3, 59, tzinfo=UTC)  # the clocks of New York went forward on the 8th: 23:59 there
    late = str((await ledger_rows.payment(sara, ana, due_at=at)).id)
    for zone, first in (("America/New_York", "2026-03-08"), ("UTC", "2026-03-09")):
        assert await ids(api, **{"from": first, "to": first, "time_zone": zone}) == [late]
        assert await ids(api, paid_from=first, paid_to=first, time_zone=zone) == [late]
    assert await ids(api, **{"from": "2026-03-09", "time_zone": "America/New_York"}) == []
    [line] = await csv_of(api, time_zone="America/New_York")
    assert line["paid_at"] == "2026-03-08T23:59:00-04:00"


async def test_pages_hold_every_payment_once(api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana)
    made = [await ledger_rows.payment(sara, ana, due_at=NOW, status=PaymentStatus.WAIVED) for _ in range(2)]
    made += [await ledger_rows.payment(sara, ana, due_at=NOW + n * DAY) for n in range(1, 4)]
    expected = [str(row.id) for row in sorted(made, key=lambda row: (row.due_at, row.id.hex))]
    found: list[str] = []
    cursor: dict[str, Any] = {}
    for _ in range(3):
        page = await get(api, limit=2, **cursor)
        found += [item["id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert found == expected
    assert cursor == {"cursor": None}


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-02-30"}, "to"),
        ({"from": "2026-03-02T10:00"}, "from"),  # of no zone
        ({"from": "2026-03-02", "to": "2026-02-28"}, "to"),
        ({"paid_from": "2026-03-02", "paid_to": "2026-02-28"}, "paid_to"),
        ({"paid_from": "1999-12-31"}, "paid_from"),
        ({"to": "9999-12-31"}, "to"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"status": "lost"}, "status"),
        ({"kind": "tea"}, "kind"),
        ({"client": "sara"}, "client"),
        ({"test": "perhaps"}, "test"),
        ({"limit": 0}, "limit"),
        ({"cursor": "x"}, "cursor"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(
    api: httpx.AsyncClient, params: dict[str, Any], field: str
) -> None:
    for headers in (DESK, DESK | CSV):
        [named] = fields_of(await api.get("/v1/payments", params=params, headers=headers))
        assert named.partition("[")[0] == field  # one of several has a number


# ---------------------------------------------------------------- a file


async def test_a_file_has_the_same_rows_with_amounts_as_decimals_beside(
    api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows
) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana)
    await ledger_rows.payment(sara, ana, due_at=NOW, amount=123456, credit=5)
    await ledger_rows.payment(sara, ana, due_at=NOW + DAY, amount=1200, currency="JPY")
    lines = await csv_of(api)
    items = (await get(api))["items"]
    amounts = ("amount", "card_amount", "credit_used", "refunded_to_card", "refunded_to_credit", "disputed")
    assert [*lines[0]] == list(ledger.PAYMENT_COLUMNS)
    for line, item in zip(lines, items, strict=True):
        assert {name: int(line[name]) for name in amounts} == {name: item[name] for name in amounts}
        for name in ("id", "client_ref", "therapist", "currency", "status", "due_at", "paid_at", "starts_at"):
            assert line[name] == item[name]
        assert json.loads(line["test"]) is item["test"]
    assert [line["amount_decimal"] for line in lines] == ["1234.56", "1200"]
    assert (lines[0]["card_amount_decimal"], lines[0]["credit_used_decimal"]) == ("1234.51", "0.05")


async def test_what_people_wrote_cannot_become_a_formula(
    api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows
) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana)
    for why in ("=HYPERLINK(1)", '"quoted", with\na line'):
        exception, status = let_go(when=NOW), PaymentStatus.WRITTEN_OFF
        await ledger_rows.payment(sara, ana, due_at=NOW, status=status, exception=exception, exception_why=why)
    assert {line["exception_why"] for line in await csv_of(api)} == {"'=HYPERLINK(1)", '"quoted", with\na line'}


async def test_a_file_of_many_pages_is_whole_and_comes_in_pieces(
    api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "_ROWS_AT_A_TIME", 2)
    ana = await rows.therapist()
    sara = await rows.client(ana)
    made = [str((await ledger_rows.payment(sara, ana, due_at=NOW + number * HOUR)).id) for number in range(5)]
    assert [line["id"] for line in await csv_of(api)] == made
    # Four: what fills its last page exactly has no empty one behind.
    assert [line["id"] for line in await csv_of(api, to="2026-03-02T16:00:00Z")] == made[:4]
    assert [line["id"] for line in await csv_of(api, limit=1)] == made


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({}, "payments-2025-03-01-to-2026-03-02.csv"),
        ({"from": "2026-01-01"}, "payments-2026-01-01-to-2026-03-02.csv"),
        ({"to": "2026-02-28"}, "payments-2025-02-28-to-2026-02-28.csv"),
        ({"from": "2025-01-01", "to": "2025-12-31"}, "payments-2025-01-01-to-2025-12-31.csv"),
        ({"paid_from": "2025-01-01", "paid_to": "2025-12-31"}, "payments-2025-01-01-to-2025-12-31.csv"),
        ({"paid_to": "2026-02-28"}, "payments-2025-02-28-to-2026-02-28.csv"),
    ],
)
async def test_a_file_says_in_its_name_what_it_holds(api: httpx.AsyncClient, params: dict[str, str], name: str) -> None:
    answer = await api.get("/v1/payments", params=params | {"time_zone": "America/New_York"}, headers=DESK | CSV)
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"from": "2024-01-01"}, "to"),
        ({"from": "2024-01-01", "to": "2025-01-02"}, "to"),
        ({"paid_from": "2024-01-01", "paid_to": "2025-01-02"}, "paid_to"),
    ],
)
async def test_a_file_is_of_a_year_at_most_and_a_list_of_any_time(
    api: httpx.AsyncClient, params: dict[str, Any], field: str
) -> None:
    assert fields_of(await api.get("/v1/payments", params=params, headers=DESK | CSV)) == [field]
    assert (await get(api, **params))["items"] == []


async def test_a_file_without_a_beginning_has_the_last_year_and_all_that_is_due_soon(
    api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows, clock: StandingClock
) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana)
    _ = await ledger_rows.payment(sara, ana, due_at=NOW - timedelta(days=366, seconds=1))
    held = str((await ledger_rows.payment(sara, ana, due_at=NOW - timedelta(days=366))).id)
    soon = str((await ledger_rows.payment(sara, ana, due_at=NOW + 3 * DAY, status=PaymentStatus.SCHEDULED)).id)
    assert [line["id"] for line in await csv_of(api)] == [held, soon]
    clock.advance(seconds=1)
    assert [line["id"] for line in await csv_of(api)] == [soon]


async def test_what_is_cancelled_is_listed_too(api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana)
    _ = await rows.appointment(sara, ana, status=AppointmentStatus.CANCELLED)  # without a payment
    gone = await ledger_rows.payment(sara, ana, due_at=NOW, status=PaymentStatus.CANCELLED, because="archived")
    [item] = (await get(api))["items"]
    assert (item["id"], item["because"]) == (str(gone.id), "archived")
