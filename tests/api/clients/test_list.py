"""The list of clients: by name, its tabs, and the money of each row."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from models.tables import ClientGroup, Credit
from rules.enums import ClientStatus, CreditSource, PaymentStatus, Stage
from tests.api.callers import Callers
from tests.api.conftest import DESK, fields_of
from tests.care.rows import NOW, Rows
from tests.statements import statements


async def _names(api: httpx.AsyncClient, *, limit: int = 2, by: dict[str, str] = DESK, **query: str) -> list[str]:
    """Of a list by name, page by page."""
    found, asked = [], {"sort": "name", "limit": str(limit), **query}
    while True:
        page = (await api.get("/v1/clients", params=asked, headers=by)).json()
        found += [" ".join(filter(None, (one["last_name"], one["first_name"]))) for one in page["items"]]
        if page["next_cursor"] is None:
            return found
        asked["cursor"] = page["next_cursor"]


async def test_clients_by_name_whatever_the_case_and_the_accents(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist()
    for first, last in [
        ("Zoe", "lind"),
        ("Ána", "Lind"),
        ("Olga", "Østby"),
        ("Petr", "osten"),
        (None, None),
        ("émile", None),
        ("Emil", None),
        ("Bo\u200bb", "Éluard"),
        ("a" * 90, "\ufdfa" * 100),
        ("Иван", "лунин"),
        ("Анна", "Лунина"),
    ]:
        await rows.client(ana, first_name=first, last_name=last)
    expected = [
        "Éluard Bo\u200bb",
        "Emil",
        "émile",
        "Lind Ána",
        "lind Zoe",
        "Østby Olga",
        "osten Petr",
        "лунин Иван",
        "Лунина Анна",
        "\ufdfa" * 100 + " " + "a" * 90,
        "",
    ]
    for limit in (1, 2, 50):
        assert await _names(api, limit=limit) == expected
    newest = (await api.get("/v1/clients", params={"limit": 1}, headers=DESK)).json()["next_cursor"]
    wrong = await api.get("/v1/clients", params={"sort": "name", "cursor": newest}, headers=DESK)
    assert fields_of(wrong) == ["cursor"]


async def test_a_name_that_changes_between_two_pages_shifts_nobody_else(api: httpx.AsyncClient, rows: Rows) -> None:
    made = [await rows.client(first_name=name) for name in ("Ada", "Bea", "Cleo", "Dora")]
    asked = {"sort": "name", "limit": "2"}
    page = (await api.get("/v1/clients", params=asked, headers=DESK)).json()
    await rows.change(made[1], first_name="Zita")
    behind = (await api.get("/v1/clients", params=asked | {"cursor": page["next_cursor"]}, headers=DESK)).json()
    assert [one["first_name"] for one in behind["items"]] == ["Cleo", "Dora"]


async def test_tabs_are_counted_with_the_same_filters_and_closed_journeys_are_in_none(
    api: httpx.AsyncClient, rows: Rows, people: Callers
) -> None:
    archived: dict[str, Any] = {"status": ClientStatus.ARCHIVED, "stage": Stage.ARCHIVED}
    await rows.client(people.ana, **archived)
    await rows.client(people.ben, **archived, first_name="Zita")
    gone = await rows.client(people.ana, closed_at=NOW)
    await rows.add(ClientGroup(id=uuid4(), name="A", name_folded="a", made_by="x", made_at=NOW))

    async def totals(by: str = "desk", **query: str) -> tuple[int, int, int]:
        answer = (await api.get("/v1/clients", params=query, headers=people.by(by))).json()
        assert str(gone.id) not in {one["id"] for one in answer["items"]}
        return answer["totals"]["active"], answer["totals"]["archived"], answer["totals"]["groups"]

    assert await totals() == (2, 2, 1)
    assert await totals(status="archived") == (2, 2, 1)
    assert await totals(therapist="ana") == await totals("ana") == (1, 1, 1)
    assert await totals(q="zita") == (0, 1, 1)
    assert "totals" not in (await api.get("/v1/clients", headers=people.by("sara"))).json()


async def test_each_row_has_its_money_for_staff_alone(
    api: httpx.AsyncClient, rows: Rows, people: Callers, database: AsyncEngine
) -> None:
    due: dict[str, Any] = {"status": PaymentStatus.OWED}
    await rows.payment(await rows.appointment(people.sara, people.ana), **due)
    euros = await rows.appointment(people.sara, people.ana, starts_at=NOW + timedelta(days=9), fee_currency="EUR")
    await rows.payment(euros, **due, created_at=NOW - timedelta(days=1))
    credit: dict[str, Any] = {
        "source": CreditSource.GRANTED,
        "reason": "late",
        "given_by": "care_team:desk",
        "given_at": NOW,
    }
    await rows.add(Credit(id=uuid4(), client_id=people.sara.id, amount=500, remaining=400, currency="USD", **credit))
    with statements(database) as asked:
        answer = (await api.get("/v1/clients", params={"q": "sara"}, headers=DESK)).json()
    [row] = answer["items"]
    balance = (await api.get(f"/v1/clients/{people.sara.id}/balance", headers=DESK)).json()
    assert (row["credit"], row["owed"], row["currency"]) == (400, 15000, "USD")
    assert row["money"] == [{name: balance[name] for name in ("credit", "owed", "currency")}, *balance["by_currency"]]
    await rows.client(people.ana)
    with statements(database) as of_many:
        await api.get("/v1/clients", headers=DESK)
    assert len(of_many) <= len(asked)  # however many rows
    [own] = (await api.get("/v1/clients", headers=people.by("sara"))).json()["items"]
    assert not {"credit", "owed", "currency", "money"} & own.keys()
