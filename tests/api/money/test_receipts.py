"""Receipts and statements by the API: who has them, of what, and that they stay as they were."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.routes.money import receipts
from models.database import Sessions
from models.tables import Payment
from rules.accounts.accesses import AccessEvent, AccessKind
from rules.enums import PaymentKind, PaymentStatus, RefundStatus, Role
from rules.money.payment_states import Because
from rules.money.receipts import receipt_number
from tests.api.access_log.log import lines
from tests.api.callers import Callers
from tests.api.conftest import DESK, problem_of
from tests.care.ledger_rows import LedgerRows, let_go
from tests.care.rows import DAY, NOW, Rows
from tests.papers.reading import lines_of

YEAR = {"from": "2026-01-01", "to": "2026-12-31"}
DOCUMENTED = "application/pdf"


async def receipt(api: httpx.AsyncClient, payment: Payment, by: dict[str, str] = DESK) -> bytes:
    answer = await api.get(f"/v1/payments/{payment.id}/receipt.pdf", headers=by)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == DOCUMENTED
    assert answer.headers["cache-control"] == "no-store"
    name = f"receipt-{receipt_number(str(payment.id))}.pdf"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    return answer.content


async def statement(api: httpx.AsyncClient, client_id: Any, by: dict[str, str] = DESK, **dates: str) -> bytes:
    answer = await api.get(f"/v1/clients/{client_id}/statement.pdf", params=dates or YEAR, headers=by)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == DOCUMENTED
    assert answer.headers["cache-control"] == "no-store"
    return answer.content


async def test_who_sees_the_clients_payments_has_receipt_and_statement(
    api: httpx.AsyncClient, people: Callers, ledger_rows: LedgerRows
) -> None:
    payment = await ledger_rows.payment(people.sara, people.ana, due_at=NOW, credit=5000)
    made = {who: await receipt(api, payment, people.by(who)) for who in ("sara", "ana", "desk", "via-sara")}
    assert len(set(made.values())) == 1
    said = lines_of(made["sara"])
    assert said[:3] == ["Riverside Practice", "12 Elm Street, Albany, NY 12203", "Tax number: 12-3456789"]
    assert f"For Sara ({people.sara.ref})" in said
    assert "With Ana" in said
    assert said[-4:] == [
        "Fee $150.00 USD",
        "Paid from credit $50.00 USD",
        "Paid by card $100.00 USD",
        "Paid in total $150.00 USD",
    ]
    for who in ("tom", "ben"):
        for path in (f"payments/{payment.id}/receipt.pdf", f"clients/{people.sara.id}/statement.pdf"):
            answer = await api.get(f"/v1/{path}", params=YEAR if "statement" in path else {}, headers=people.by(who))
            assert (problem_of(answer), answer.status_code) == ("not-found", 404)
    answer = await api.get(f"/v1/payments/{payment.id}/receipt.pdf", headers=people.by("sara-pass"))
    assert (problem_of(answer), answer.status_code) == ("not-allowed", 403)


async def test_a_receipt_stays_as_it_was_whoever_changes(
    api: httpx.AsyncClient, rows: Rows, ledger_rows: LedgerRows, people: Callers
) -> None:
    await rows.change(
        people.ana, credentials="LCSW", licences=[{"state": "NY", "number": "085512"}, {"state": "NJ", "number": "7"}]
    )
    await rows.change(people.sara, state="NY", last_name="Lind", time_zone="America/New_York")
    payment = await ledger_rows.payment(people.sara, people.ana, due_at=NOW)
    before = await receipt(api, payment)
    said = lines_of(before)
    assert {"With Ana, LCSW", "Licence: NY 085512", f"For Sara Lind ({people.sara.ref})"} <= set(said)

    twice = [{"state": "NY", "number": "1"}, {"state": "ny", "number": "2"}]
    without: Any = ([{"state": "NY"}], [{}], None)
    for wrong in (twice, *without):
        answer = await api.patch("/v1/therapists/ana", json={"licences": wrong}, headers=people.by("ana"))
        assert (problem_of(answer), answer.status_code) == ("validation-failed", 422)
    changed = {"name": "Ana Other", "credentials": None, "licences": [{"state": "NY", "number": "999"}]}
    answer = await api.patch("/v1/therapists/ana", json=changed, headers=people.by("ana"))
    assert answer.status_code == 200, answer.text
    shown = (await api.get("/v1/therapists/ana")).json()
    assert {key: shown[key] for key in changed} == changed
    await rows.change(people.sara, state="CA", last_name="Other", time_zone="Asia/Tokyo")
    assert await receipt(api, payment) == before
    told = lines_of(await statement(api, people.sara.id))
    assert f"For Sara Other ({people.sara.ref})" in told  # made out now, but each fee is as it was
    assert [line for line in told if "Paid · " in line] == [
        f"Paid · {receipt_number(str(payment.id))} · Ana, LCSW · Licence: NY 085512"
    ]


async def test_what_was_given_back_is_added_with_its_day_and_where_it_went(
    api: httpx.AsyncClient, people: Callers, ledger_rows: LedgerRows
) -> None:
    payment = await ledger_rows.payment(
        people.sara, people.ana, due_at=NOW, credit=5000, status=PaymentStatus.PARTIALLY_REFUNDED
    )
    await ledger_rows.refund(payment, at=NOW + DAY, card=1000, credit=500, finished_at=NOW + 3 * DAY)
    await ledger_rows.refund(payment, at=NOW + 2 * DAY, card=200, status=RefundStatus.PENDING)
    await ledger_rows.refund(payment, at=NOW + 4 * DAY, card=7000, credit=100, status=RefundStatus.FAILED)
    await ledger_rows.dispute(payment, at=NOW, amount=900, status="under_review")
    await ledger_rows.dispute(payment, at=NOW, amount=300, status="lost", closed_at=NOW + 5 * DAY)
    assert lines_of(await receipt(api, payment))[-6:] == [
        "Given back as credit, Tuesday 3 March 2026 −$5.00 USD",
        "Given back to the card, on its way, Wednesday 4 March 2026 −$2.00 USD",
        "Given back to the card, Thursday 5 March 2026 −$10.00 USD",
        "Given back as credit, Friday 6 March 2026 −$1.00 USD",
        "Taken back by the bank, Saturday 7 March 2026 −$3.00 USD",
        "Paid in total $129.00 USD",
    ]


OPEN = (PaymentStatus.SCHEDULED, PaymentStatus.PROCESSING, PaymentStatus.REQUIRES_ACTION, PaymentStatus.FAILED)


async def test_without_money_there_is_no_receipt_and_nothing_tells_of_an_archive(
    api: httpx.AsyncClient, people: Callers, ledger_rows: LedgerRows
) -> None:
    async def refused(**columns: Any) -> str:
        payment = await ledger_rows.payment(people.sara, people.ana, due_at=NOW, **columns)
        answer = await api.get(f"/v1/payments/{payment.id}/receipt.pdf", headers=people.by("sara"))
        assert (problem_of(answer), answer.status_code) == ("payment-not-open", 409)
        return str(answer.json()["detail"])

    said = {await refused(status=status) for status in (*OPEN, PaymentStatus.OWED)}
    said |= {await refused(status=PaymentStatus.CANCELLED, because=Because.ARCHIVED.value)}
    assert said == {"Nothing has been paid: there is a receipt once the payment is made."}
    for status in (PaymentStatus.WAIVED, PaymentStatus.WRITTEN_OFF):
        told = await refused(status=status, exception=let_go(when=NOW), exception_why="kindness")
        assert told == "This fee was let go of and nothing was paid, so there is no receipt."


async def test_a_statement_has_every_fee_of_its_days_in_the_clients_zone(
    api: httpx.AsyncClient, people: Callers, rows: Rows, ledger_rows: LedgerRows
) -> None:
    await rows.change(people.sara, time_zone="America/New_York")

    async def fee(at: datetime, **columns: Any) -> str:
        due_at = at + timedelta(minutes=50) + DAY
        payment = await ledger_rows.payment(people.sara, people.ana, due_at=due_at, **columns)
        return receipt_number(str(payment.id))

    last_of_february = await fee(datetime(2026, 3, 1, 4, 59, tzinfo=UTC))
    first_of_march = await fee(datetime(2026, 3, 1, 5, 0, tzinfo=UTC), credit=1000)
    missed = await fee(datetime(2026, 3, 10, 15, 0, tzinfo=UTC), kind=PaymentKind.NO_SHOW, status=PaymentStatus.OWED)
    stopped = await fee(
        datetime(2026, 3, 11, 15, 0, tzinfo=UTC), status=PaymentStatus.CANCELLED, because=Because.ARCHIVED.value
    )
    called_off = await fee(datetime(2026, 3, 12, 15, 0, tzinfo=UTC), status=PaymentStatus.CANCELLED)
    last_of_march = await fee(datetime(2026, 4, 1, 3, 59, tzinfo=UTC), currency="EUR")
    first_of_april = await fee(datetime(2026, 4, 1, 4, 0, tzinfo=UTC))
    march: Any = {"from": "2026-03-01", "to": "2026-03-31"}
    content = await statement(api, people.sara.id, people.by("sara"), **march)
    told = " ".join(said := lines_of(content))
    assert [told.count(number) for number in (first_of_march, missed, stopped, last_of_march)] == [1] * 4
    assert not [number for number in (last_of_february, called_off, first_of_april) if number in told]
    assert "archiv" not in told.lower()
    assert "Missed appointment, 50 minutes" in told
    assert [line.split(" · ")[0] for line in said if " · " in line] == ["Paid", "Not paid", "Not paid", "Paid"]
    assert said[-6:] == [
        "Paid by card €150.00 EUR",
        "Paid in total (EUR) €150.00 EUR",
        "Not paid $300.00 USD",
        "Paid from credit $10.00 USD",
        "Paid by card $140.00 USD",
        "Paid in total (USD) $150.00 USD",
    ]
    assert await statement(api, people.sara.id, **march) == content
    before: Any = {"from": "2025-01-01", "to": "2025-12-31"}
    assert lines_of(await statement(api, people.sara.id, **before))[-1] == "There are no fees in this time."


@pytest.mark.parametrize(
    "dates",
    [
        {},
        {"from": "2026-01-01"},
        {"from": "2026-01-01", "to": "2027-01-02"},
        {"from": "2026-01-02", "to": "2026-01-01"},
        {"from": "2026-02-30", "to": "2026-03-01"},
        {"from": "1", "to": "2026-03-01"},
        {"from": "2026-01-01T00:00:00Z", "to": "2026-03-01"},
        {"from": "9999-12-31", "to": "9999-12-31"},
        {"from": "2026-01-01", "to": "2026-03-01", "time_zone": "UTC"},
    ],
)
async def test_a_wrong_time_is_refused_by_name(api: httpx.AsyncClient, people: Callers, dates: dict[str, str]) -> None:
    answer = await api.get(f"/v1/clients/{people.sara.id}/statement.pdf", params=dates, headers=DESK)
    assert (problem_of(answer), answer.status_code) == ("validation-failed", 422)


async def test_more_fees_than_a_statement_holds_are_refused(
    api: httpx.AsyncClient, people: Callers, ledger_rows: LedgerRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "MOST_LINES", 2)
    for hour in range(3):
        await ledger_rows.payment(people.sara, people.ana, due_at=NOW + timedelta(hours=hour))
        answer = await api.get(f"/v1/clients/{people.sara.id}/statement.pdf", params=YEAR, headers=DESK)
        assert answer.status_code == (422 if hour == 2 else 200)


async def test_of_a_test_client_it_says_that_no_money_moved(
    api: httpx.AsyncClient, rows: Rows, people: Callers, ledger_rows: LedgerRows
) -> None:
    client = await rows.client(people.ana, first_name="Made up", test=True)
    payment = await ledger_rows.payment(client, people.ana, due_at=NOW)
    for content in (await receipt(api, payment), await statement(api, client.id)):
        assert lines_of(content)[0] == "Test: no money moved."


async def test_names_in_other_letters_are_marked_and_not_logged(
    api: httpx.AsyncClient, rows: Rows, people: Callers, ledger_rows: LedgerRows, capsys: pytest.CaptureFixture[str]
) -> None:
    client = await rows.client(people.ana, first_name="明", last_name="李")
    payment = await ledger_rows.payment(client, people.ana, due_at=NOW)
    said = lines_of(await receipt(api, payment))
    assert "cannot be printed here" in said[-1]
    logged = "".join(capsys.readouterr())
    assert "Letters of a paper are not in its font" in logged
    assert "明" not in logged
    assert "\\u660e" not in logged


async def test_it_is_an_export_of_payments_in_the_log_and_a_clients_own_is_not(
    api: httpx.AsyncClient, people: Callers, ledger_rows: LedgerRows, sessions: Sessions
) -> None:
    payment = await ledger_rows.payment(people.sara, people.ana, due_at=NOW)
    await receipt(api, payment, people.by("sara"))
    await statement(api, people.sara.id, people.by("sara"))
    assert await lines(sessions, AccessEvent.EXPORT) == []
    await receipt(api, payment, people.by("via-maria"))
    await statement(api, people.sara.id, people.by("ana"))
    told = [(line.role, line.kind, line.whose) for line in await lines(sessions, AccessEvent.EXPORT)]
    assert told == [(role, AccessKind.PAYMENTS, [people.sara.id]) for role in (Role.CARE_TEAM, Role.THERAPIST)]
    shown = (await api.get(f"/v1/clients/{people.sara.id}/accesses", headers=people.by("sara"))).json()["items"]
    assert {line["kind"] for line in shown} == {"payments"}
