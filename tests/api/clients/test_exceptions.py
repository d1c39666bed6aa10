"""X6: every exception of a period in one list, with who, why and when."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.tables import Client
from models.writes.timeline import tell
from rules.accounts.openings import OpeningKind
from rules.clients.exceptions import ExceptionKind, exception_in, facts_of, tells_of_one
from rules.timeline import FactKind
from tests.api.callers import Callers
from tests.api.conftest import DESK, ROOT, fields_of
from tests.care.rows import DAY, NOW, Rows
from tests.statements import statements

SESSION = {"id": str(uuid4()), "starts_at": NOW.isoformat()}
SERIES = {"type": "session", "appointments": [SESSION]}
MOVED = {"appointment_id": SESSION["id"], "from": NOW.isoformat(), "to": NOW.isoformat()}
OVERRIDE = {"exceptions": [{"week": 1, "because": "It is outside the hours."}]}
TOLD: list[tuple[FactKind, dict[str, Any], str | None, ExceptionKind | None]] = [
    (FactKind.FORMS_GATE_OPENED, {"outstanding": [], "appointments": []}, "urgent", ExceptionKind.FORMS_GATE_OPENED),
    (FactKind.BOOKED, SERIES | OVERRIDE, "a wish", ExceptionKind.SLOT_RULES_SET_ASIDE),
    (FactKind.BOOKED, SERIES | {"exceptions": []}, None, None),
    (FactKind.BOOKED, SERIES, None, None),
    (FactKind.APPOINTMENT_RESCHEDULED, MOVED | OVERRIDE, "ill", ExceptionKind.SLOT_RULES_SET_ASIDE),
    (FactKind.PAYMENT_WAIVED, {"amount": 500, "currency": "USD"}, "hardship", ExceptionKind.FEE_WAIVED),
    (FactKind.PAYMENT_WRITTEN_OFF, {"amount": 700, "currency": "EUR"}, "gone", ExceptionKind.WRITTEN_OFF),
    (FactKind.CREDIT_GRANTED, {"amount": 9, "currency": "USD"}, "sorry", ExceptionKind.CREDIT_GRANTED),
    (FactKind.REFUND_BEGUN, {"amount": 9, "currency": "USD"}, "twice", ExceptionKind.REFUNDED),
    (FactKind.OUTCOME_RECORDED, {"outcome": "occurred", "late": True}, None, ExceptionKind.LATE_MARK),
    (FactKind.OUTCOME_RECORDED, {"outcome": "occurred"}, None, None),
    (FactKind.OUTCOME_BREACH, {}, None, ExceptionKind.NO_MARK),
    (FactKind.OUTCOME_BREACH, {"late": True}, None, None),
    (FactKind.CHARGE_BREACH, {}, None, ExceptionKind.LATE_CHARGE),
    (FactKind.OUTCOME_CORRECTED, {"outcome": "no_show"}, "a mistake", ExceptionKind.OUTCOME_CORRECTED),
    (FactKind.PAYMENT_PAID, {"amount": 1}, None, None),
]


async def _tell(
    rows: Rows, client: Client, told: tuple[FactKind, dict[str, Any], str | None], at: datetime = NOW
) -> None:
    kind, data, words = told
    async with rows.sessions() as session:
        known = await session.get_one(Client, client.id, with_for_update=True)
        tell(session, known, kind, at=at, by="care_team:maria", text="It happened.", data=data, words=words)
        await session.commit()


async def _list(api: httpx.AsyncClient, query: Any = None, *, by: Any = DESK) -> list[dict[str, Any]]:
    answer = await api.get("/v1/exceptions", params=query, headers=by)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_every_exception_is_listed_with_who_why_and_when(
    api: httpx.AsyncClient, rows: Rows, people: Callers
) -> None:
    await rows.appointment(people.sara, people.ana, id=UUID(SESSION["id"]))
    for number, (kind, data, words, _) in enumerate(TOLD):
        await _tell(rows, people.sara, (kind, data, words), NOW - timedelta(minutes=number))
    found = await _list(api)
    expected = [(kind.value, words) for _, _, words, kind in TOLD if kind is not None]
    assert [(one["kind"], one.get("why")) for one in found] == expected
    assert {one["who"] for one in found} == {"care_team:maria"}
    assert {(one["ref"], one["name"], one["client_id"]) for one in found} == {
        (people.sara.ref, "Sara", str(people.sara.id))
    }
    [waived] = await _list(api, {"kind": "fee_waived"})
    assert (waived["amount"], waived["currency"], waived["test"]) == (500, "USD", False)
    assert {rule for one in found for rule in one["rules"]} == {"It is outside the hours."}


async def test_an_admin_is_told_what_who_and_when_and_no_client(
    api: httpx.AsyncClient, rows: Rows, people: Callers
) -> None:
    await _tell(rows, people.sara, (FactKind.PAYMENT_WAIVED, {"amount": 500, "currency": "USD"}, "hardship"))
    opening = await rows.opening(people.sara, OpeningKind.GOALS)
    about = {"opening_id": str(opening.id), "what": "goals"}
    await _tell(rows, people.sara, (FactKind.OPENING_BEGUN, about, None), NOW - DAY)
    waived, opened = await _list(api, by=ROOT)
    assert waived.keys() == {"kind", "at", "who", "text", "ref", "test", "amount", "currency", "approved_by"}
    assert (opened["kind"], opened["why"]) == ("opening", "a reason")
    answer = await api.get("/v1/exceptions", params={"limit": 1}, headers=ROOT)
    assert str(people.sara.id) not in answer.text
    assert [one["why"] for one in await _list(api)] == ["hardship", "a reason"]


async def test_a_period_is_the_practices_and_pages_go_on(api: httpx.AsyncClient, rows: Rows, people: Callers) -> None:
    for number in range(5):
        await _tell(rows, people.sara, (FactKind.CHARGE_BREACH, {"number": number}, None))
    await _tell(rows, people.sara, (FactKind.CHARGE_BREACH, {}, None), NOW - 40 * DAY)
    assert len(await _list(api)) == 5
    assert len(await _list(api, {"from": "2026-01-01"})) == 6
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2, "from": "2026-03-02", "to": "2026-03-02"}
    while True:
        page = (await api.get("/v1/exceptions", params=query, headers=DESK)).json()
        seen += [one["at"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert len(seen) == 5
    for wrong, field in (({"from": "2026-03-03", "to": "2026-03-02"}, "to"), ({"from": "2020-01-01"}, "to")):
        assert fields_of(await api.get("/v1/exceptions", params=wrong, headers=DESK)) == [field]


async def test_test_clients_have_a_list_of_their_own(api: httpx.AsyncClient, rows: Rows, people: Callers) -> None:
    await rows.change(people.tom, test=True)
    await _tell(rows, people.tom, (FactKind.CHARGE_BREACH, {}, None))
    assert await _list(api) == []
    [one] = await _list(api, {"test": "true"})
    assert (one["test"], one["name"]) == (True, "Tom")


async def test_it_is_two_statements_by_an_index_of_its_own(
    api: httpx.AsyncClient, rows: Rows, people: Callers, database: AsyncEngine
) -> None:
    await _tell(rows, people.sara, (FactKind.CHARGE_BREACH, {}, None))
    await _list(api)  # whose key was used is noted, and who looked
    with statements(database) as asked:
        await _list(api)
    assert len([one for one in asked if "FROM fact" in one or "FROM opening" in one]) == 2
    async with database.begin() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await connection.execute(
            text(f"EXPLAIN SELECT 1 FROM fact WHERE ({tells_of_one()}) ORDER BY at DESC, hash DESC")  # noqa: S608
        )
        assert "exceptions_by_time" in "\n".join(row[0] for row in plan)


def test_each_kind_has_facts_and_each_such_fact_its_kind() -> None:
    for kind in ExceptionKind:
        assert {exception_in(fact.value) for fact in facts_of(kind)} == {kind}
