"""Archives of many clients, as the API answers for them: who may, what it would come to, and what is asked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from models.database import Sessions
from models.tables import Appointment, Client, Therapist
from models.tables.archive.bulk_archive import BulkArchiveLine, BulkArchiveRecord
from models.tables.clients.group import ClientGroup
from models.tables.money.credit import Credit
from rules.enums import AppointmentStatus, ArchiveResult, ClientStatus, CreditSource, PaymentStatus
from tests.api.conftest import DESK, SITE, ToldEngine, fields_of, problem_of
from tests.care.rows import NOW, Rows

Token = Callable[[str], Any]


@dataclass
class ToldToArchive(ToldEngine):
    many: list[tuple[UUID, int, str]] = field(default_factory=list)

    async def archive_many(self, archive_id: UUID, *, clients: int, asked_by: str) -> None:
        self.many.append((archive_id, clients, asked_by))


@pytest.fixture
def engine() -> ToldToArchive:
    return ToldToArchive()


async def _ask(api: httpx.AsyncClient, body: dict[str, Any], *, by: dict[str, str] = DESK) -> httpx.Response:
    return await api.post("/v1/archives", json=body, headers=by)


async def _group(rows: Rows, name: str = "Monday") -> ClientGroup:
    group = ClientGroup(id=uuid4(), name=name, name_folded=name.casefold(), made_by="care_team:desk", made_at=NOW)
    await rows.add(group)
    return group


# ---------------------------------------------------------------- what it would come to


async def _credit(rows: Rows, client: Client, amount: int, currency: str) -> None:
    about: dict[str, Any] = {"source": CreditSource.GRANTED, "given_by": "care_team:desk", "reason": "goodwill"}
    await rows.add(
        Credit(
            id=uuid4(),
            client_id=client.id,
            amount=amount,
            remaining=amount,
            currency=currency,
            given_at=NOW,
            **about,
        )
    )


async def _owes(rows: Rows, client: Client, therapist: Therapist, currency: str, *, days: int) -> None:
    """The fee of a session so many days ago."""
    starts_at = NOW - timedelta(days=days)
    held = await rows.appointment(client, therapist, starts_at=starts_at, status=AppointmentStatus.OCCURRED)
    payment = await rows.payment(held, status=PaymentStatus.OWED)
    async with rows.sessions() as session:
        session.add(payment)
        payment.currency = currency
        await session.commit()


async def _with_money(rows: Rows, ana: Therapist, *, name: str) -> Client:
    """Two appointments ahead, one behind that nobody marked; a payment to come, one owed, others over; credit."""
    client = await rows.client(ana, first_name=name)
    hours = count(2 * (ord(name[0]) - ord("A")))  # of which each client takes others

    async def session(days: int, **about: Any) -> Appointment:
        return await rows.appointment(client, ana, starts_at=NOW + timedelta(days=days, hours=next(hours)), **about)

    await session(7)
    await session(14)
    await session(-1)
    for status, because in (
        (PaymentStatus.SCHEDULED, None),
        (PaymentStatus.OWED, None),
        (PaymentStatus.CANCELLED, "corrected"),
        (PaymentStatus.PAID, None),
    ):
        held = await session(-7, status=AppointmentStatus.OCCURRED)
        await rows.payment(held, status=status, because=because, credit_used=1000 if status == "scheduled" else 0)
    await _credit(rows, client, 2500, "USD")
    return client


async def test_s60_a_dry_run_lists_each_client_as_the_single_preview_does_and_archives_nobody(
    api: httpx.AsyncClient, rows: Rows, engine: ToldToArchive
) -> None:
    ana = await rows.therapist("ana")
    anna, berta = [await _with_money(rows, ana, name=name) for name in ("Anna", "Berta")]
    carla = await rows.client(first_name="Carla", status=ClientStatus.ARCHIVED)
    nobody = await rows.client(closed_at=NOW)
    clients = [anna, berta, carla, nobody]
    ids = [str(client.id) for client in clients]
    answer = await _ask(api, {"client_ids": [*ids, ids[0]], "dry_run": True})
    assert answer.status_code == 200
    told = answer.json()
    assert [line["client_id"] for line in told["clients"]] == ids
    assert [line["name"] for line in told["clients"]] == ["Anna", "Berta", "Carla", f"Client {nobody.ref}"]
    assert [(line["ref"], line["already_archived"]) for line in told["clients"]] == [
        (client.ref, client is carla) for client in clients
    ]
    assert told["clients"][0] | {"client_id": "", "ref": "", "name": ""} == {
        "client_id": "",
        "ref": "",
        "name": "",
        "test": False,
        "credit": 3500,
        "owed": 30000,
        "currency": "USD",
        "money": [{"currency": "USD", "credit": 3500, "owed": 30000}],
        "appointments": 2,
        "payments": 1,
        "already_archived": False,
        "because": None,
    }
    assert [line["because"] is None for line in told["clients"]] == [True, True, False, False]
    assert told["totals"] == {
        "clients": 4,
        "already_archived": 1,
        "appointments": 4,
        "payments": 2,
        "credit": 7000,
        "owed": 60000,
        "currency": "USD",
        "money": [{"currency": "USD", "credit": 7000, "owed": 60000}],
    }
    for line in told["clients"][:2]:
        single = (await api.get(f"/v1/clients/{line['client_id']}/archive", headers=DESK)).json()
        assert (line["credit"], line["owed"], line["currency"]) == (single["credit"], single["owed"], "USD")
        assert (line["appointments"], line["payments"]) == (len(single["appointments"]), len(single["payments"]))
    assert engine.many == []
    assert (await api.get("/v1/archives", headers=DESK)).json()["items"] == []


async def test_a_dry_run_keeps_currencies_apart(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist("ana")
    dollars = await _with_money(rows, ana, name="Anna")
    euros = await rows.client(ana)
    await _owes(rows, euros, ana, "EUR", days=30)
    told = (await _ask(api, {"client_ids": [str(dollars.id), str(euros.id)], "dry_run": True})).json()["totals"]
    assert (told["credit"], told["owed"], told["currency"]) == (None, None, None)
    assert told["money"] == [
        {"currency": "EUR", "credit": 0, "owed": 15000},
        {"currency": "USD", "credit": 3500, "owed": 30000},
    ]


async def test_money_of_one_client_in_several_currencies_is_not_added_up(api: httpx.AsyncClient, rows: Rows) -> None:
    """Neither in the panel nor in the totals, the single preview or the balance; all four say the same."""
    ana = await rows.therapist("ana")
    dollars, both = await _with_money(rows, ana, name="Anna"), await rows.client(ana)
    await _owes(rows, both, ana, "EUR", days=30)
    await _owes(rows, both, ana, "USD", days=29)
    await rows.appointment(both, ana, starts_at=NOW + timedelta(days=30))
    for amount, currency in ((700, "EUR"), (90, "USD"), (5, "GBP")):
        await _credit(rows, both, amount, currency)
    money = [
        {"currency": "EUR", "credit": 700, "owed": 15000},
        {"currency": "GBP", "credit": 5, "owed": 0},
        {"currency": "USD", "credit": 90, "owed": 15000},
    ]

    told = (await _ask(api, {"client_ids": [str(dollars.id), str(both.id)], "dry_run": True})).json()
    single = (await api.get(f"/v1/clients/{both.id}/archive", headers=DESK)).json()
    balance = (await api.get(f"/v1/clients/{both.id}/balance", headers=DESK)).json()
    line = told["clients"][1]
    assert line["money"] == single["money"] == money
    [own] = [one for one in money if one["currency"] == line["currency"]]
    for one in (line, single, balance):
        assert {name: one[name] for name in own} == own
    assert [own, *balance["by_currency"]] == [own, *(one for one in money if one is not own)]
    assert told["totals"]["money"] == [*money[:2], {"currency": "USD", "credit": 3590, "owed": 45000}]
    assert (told["totals"]["credit"], told["totals"]["owed"], told["totals"]["currency"]) == (None, None, None)


# ---------------------------------------------------------------- whom, and who may


async def test_what_cannot_be_archived_is_refused_by_name_before_anything_happens(
    api: httpx.AsyncClient, rows: Rows, engine: ToldToArchive, therapist_token: Token
) -> None:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    own, foreign = await rows.client(ana), await rows.client(ben)
    group = await _group(rows)
    as_ana, unknown = await therapist_token("ana"), str(uuid4())
    mixed = {"client_ids": [str(own.id), str(foreign.id), unknown]}
    for dry_run in (True, False):
        answer = await _ask(api, mixed | {"dry_run": dry_run}, by=as_ana)
        # Somebody else's client and nobody at all look the same.
        assert fields_of(answer) == ["client_ids[1]", "client_ids[2]"]
        assert [line["message"] for line in answer.json()["errors"]] == [
            f"there is no such client: {id}" for id in (foreign.id, unknown)
        ]
    assert fields_of(await _ask(api, mixed)) == ["client_ids[2]"]
    assert fields_of(await _ask(api, {"client_ids": []})) == ["client_ids"]
    assert fields_of(await _ask(api, {"client_ids": [str(uuid4()) for _ in range(1001)]})) == ["client_ids"]
    assert fields_of(await _ask(api, {"client_ids": ["sara"]})) == ["client_ids[0]"]
    assert fields_of(await _ask(api, {})) == ["client_ids"]
    assert fields_of(await _ask(api, {"client_ids": [str(own.id)], "group_id": str(group.id)})) == ["client_ids"]
    assert fields_of(await _ask(api, {"group_id": unknown})) == ["group_id"]
    assert fields_of(await _ask(api, {"group_id": str(group.id)})) == ["group_id"]
    assert fields_of(await _ask(api, {"client_ids": [str(own.id)], "everybody": True})) == ["everybody"]
    assert problem_of(await _ask(api, {"client_ids": [str(own.id)]}, by=SITE)) == "not-allowed"
    assert (await api.post("/v1/archives", json={"client_ids": [str(own.id)]})).status_code == 401
    assert engine.many == []


async def test_s61_a_group_is_asked_for_as_it_is_now_and_a_repeat_is_the_same_archive(
    api: httpx.AsyncClient, rows: Rows, engine: ToldToArchive, sessions: Sessions, therapist_token: Token
) -> None:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    group = await _group(rows)
    anna = await rows.client(ana, group_id=group.id, first_name="Anna")
    berta = await rows.client(ben, group_id=group.id, created_at=NOW + timedelta(seconds=1))
    body = {"group_id": str(group.id), "reason": "The group ends.", "notify": False}
    key = DESK | {"Idempotency-Key": "once"}
    answer = await _ask(api, body, by=key)
    assert answer.status_code == 202
    [archive_id] = answer.json().values()
    later = await rows.client(ana, group_id=group.id, created_at=NOW + timedelta(seconds=2))
    assert (await _ask(api, body, by=key)).json() == {"archive_id": archive_id}
    assert set(engine.many) == {(UUID(archive_id), 2, "care_team:desk")}
    async with sessions() as session:
        row = await session.get_one(BulkArchiveRecord, UUID(archive_id))
    assert (row.asked_by, row.reason, row.notify) == ("care_team:desk", body["reason"], False)

    view = (await api.get(f"/v1/archives/{archive_id}", headers=DESK)).json()
    assert (view["status"], view["total"], view["done"], view["group_id"]) == ("running", 2, 0, str(group.id))
    assert [(line["client_id"], line["result"], line["because"]) for line in view["results"]] == [
        (str(anna.id), "pending", None),
        (str(berta.id), "pending", None),
    ]
    async with sessions() as session:
        line = await session.get_one(BulkArchiveLine, (UUID(archive_id), berta.id))
        line.result, line.because, line.done_at = ArchiveResult.SKIPPED, "Was archived already.", NOW
        archive = await session.get_one(BulkArchiveRecord, UUID(archive_id))
        archive.finished_at = NOW
        session.add_all([line, archive])
        await session.commit()
    [listed] = (await api.get("/v1/archives", headers=DESK)).json()["items"]
    assert (listed["status"], listed["done"], listed["skipped"], listed["archived"]) == ("finished", 1, 1, 0)

    # A therapist archives their own of a group, and sees what they asked for themselves.
    as_ana = await therapist_token("ana")
    assert problem_of(await api.get(f"/v1/archives/{archive_id}", headers=as_ana)) == "not-found"
    own = await _ask(api, {"group_id": str(group.id)}, by=as_ana)
    assert engine.many[-1][1:] == (2, "therapist:ana")
    [listed] = (await api.get("/v1/archives", headers=as_ana)).json()["items"]
    assert listed["archive_id"] == own.json()["archive_id"]
    assert (await api.get(f"/v1/archives/{listed['archive_id']}", headers=as_ana)).json()["total"] == 2
    of_own = (await api.get(f"/v1/archives/{listed['archive_id']}", headers=as_ana)).json()["results"]
    assert [line["client_id"] for line in of_own] == [str(anna.id), str(later.id)]
    for path in ("/v1/archives", f"/v1/archives/{archive_id}"):
        assert problem_of(await api.get(path, headers=SITE)) == "not-allowed"
    page = (await api.get("/v1/archives?limit=1", headers=DESK)).json()
    rest = (await api.get("/v1/archives", headers=DESK, params={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert {line["archive_id"] for line in page["items"] + rest["items"]} == {archive_id, own.json()["archive_id"]}
    assert rest["next_cursor"] is None


async def test_whoever_is_not_theirs_any_more_is_not_named_to_the_therapist_who_asked(
    api: httpx.AsyncClient, rows: Rows, therapist_token: Token
) -> None:
    """The numbers stay as they were: they say how much was asked for, and of nobody in particular."""
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    clients = [await rows.client(ana, first_name=name, last_name="Lind") for name in ("Anna", "Berta", "Carla")]
    kept, given, joined = clients
    as_ana, as_ben = await therapist_token("ana"), await therapist_token("ben")
    asked = await _ask(api, {"client_ids": [str(client.id) for client in clients]}, by=as_ana)
    path = f"/v1/archives/{asked.json()['archive_id']}"
    assert len((await api.get(path, headers=as_ana)).json()["results"]) == 3
    async with rows.sessions() as session:
        for client, change in ((given, {"therapist_id": ben.id}), (joined, {"joined_into": kept.id, "closed_at": NOW})):
            row = await session.get_one(Client, client.id)
            for name, value in change.items():
                setattr(row, name, value)
            session.add(row)
        await session.commit()

    answer = await api.get(path, headers=as_ana)
    view = answer.json()
    assert [line["client_id"] for line in view["results"]] == [str(kept.id)]
    assert (view["total"], view["done"]) == (3, 0)
    for client in (given, joined):
        for secret in (str(client.id), client.ref, client.full_name):
            assert secret not in answer.text
    of_the_desk = (await api.get(path, headers=DESK)).json()
    assert [line["client_id"] for line in of_the_desk["results"]] == [str(client.id) for client in clients]
    assert (await api.get(path, headers=as_ben)).status_code == 404
