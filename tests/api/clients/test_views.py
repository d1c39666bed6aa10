"""Who sees what: scopes, the client side's view of an archived client, lists and pages."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from models.database import Sessions
from models.tables import Client, FormRequest
from models.writes.keeping.anchors import make_anchor
from models.writes.timeline import tell
from rules.chain import SAYS_ELSE
from rules.enums import AppointmentStatus, AppointmentType, ClientStatus, FormStatus, PaymentStatus, Stage
from rules.timeline import FactKind
from tests.api.conftest import DESK, SITE, fields_of, problem_of
from tests.care.owner import Owner
from tests.care.rows import NOW, Rows


async def _archived(rows: Rows) -> tuple[Any, Any]:
    """A client in care who is archived: session done and its fee stopped, a form suspended."""
    ana = await rows.therapist()
    sara = await rows.client(
        ana,
        status=ClientStatus.ARCHIVED,
        stage=Stage.ARCHIVED,
        stage_shown=Stage.IN_CARE,
        first_name="Sara",
        account_active=True,
        first_booked_at=NOW,
        archived_at=NOW,
        archive_record={"reason": "moved away", "appointments": []},
    )
    past = await rows.appointment(
        sara, ana, status=AppointmentStatus.OCCURRED, starts_at=NOW - timedelta(days=1), cancel_reason="x"
    )
    await rows.payment(past, status=PaymentStatus.CANCELLED, because="archived")
    form = FormRequest(
        id=uuid4(),
        client_id=sara.id,
        kind="informed_consent",
        version=1,
        status=FormStatus.SUSPENDED,
        requested_at=NOW,
        requested_by="system",
    )
    await rows.add(form)
    return sara, past


async def test_the_client_side_never_learns_of_an_archive(api: httpx.AsyncClient, rows: Rows) -> None:
    sara, past = await _archived(rows)
    site = await rows.beside_site(sara)
    told = [
        await api.get(path, headers=site)
        for path in (
            "/v1/clients",
            "/v1/clients?stage=in_care",
            f"/v1/clients/{sara.id}",
            f"/v1/clients/{sara.id}/forms",
            f"/v1/clients/{sara.id}/payments",
            f"/v1/clients/{sara.id}/balance",
            f"/v1/appointments/{past.id}",
            f"/v1/appointments?client={sara.id}",
        )
    ]
    for answer in told:
        assert answer.status_code == 200
        for word in ("archiv", "suspended", "because", "cancel_reason", '"note"'):
            assert word not in answer.text, (answer.url, word)
    assert told[2].json()["stage"] == "in_care"
    assert "status" not in told[2].json()
    assert [client["id"] for client in told[1].json()["items"]] == [str(sara.id)]
    assert told[3].json()["items"][0]["status"] == "requested"
    [payment] = told[4].json()["items"]
    assert payment["status"] == told[6].json()["payment"]["status"] == "owed"
    assert (await api.get(f"/v1/payments/{payment['id']}", headers=site)).json() == payment
    assert (await api.get("/v1/clients?stage=archived", headers=site)).json()["items"] == []
    assert fields_of(await api.get("/v1/clients?status=archived", headers=site)) == ["status"]
    assert (await api.get(f"/v1/clients/{sara.id}/archive", headers=site)).status_code == 403


async def test_an_archived_client_is_read_with_as_many_questions_as_any_other(
    api: httpx.AsyncClient, rows: Rows, database: AsyncEngine
) -> None:
    ana = await rows.therapist()
    active = await rows.client(ana, stage=Stage.IN_CARE, first_booked_at=NOW)
    archived = [
        await rows.client(
            ana, status=ClientStatus.ARCHIVED, stage=Stage.ARCHIVED, stage_shown=stage, first_booked_at=NOW
        )
        for stage in (Stage.IN_CARE, Stage.INTAKE, Stage.IN_CARE)
    ]
    site = {client.id: await rows.beside_site(client) for client in (active, *archived)}
    asked: list[str] = []

    async def questions(path: str, client: Client) -> int:
        asked.clear()
        answer = (await api.get(path, headers=site[client.id])).json()
        assert [one["id"] for one in answer.get("items", [answer])] == [str(client.id)]
        return len(asked)

    def count(*_: Any) -> None:
        asked.append("")

    await questions(f"/v1/clients/{active.id}", active)  # the first use of a key in a while is written down
    event.listen(database.sync_engine, "before_cursor_execute", count)
    try:
        one = {await questions(f"/v1/clients/{client.id}", client) for client in (active, *archived)}
        page = await questions(f"/v1/clients?q={active.ref}", active)
        many = {
            await questions(f"/v1/clients?q={archived[0].ref}", archived[0]),
            await questions("/v1/clients?stage=in_care", archived[2]),
            await questions("/v1/clients?stage=intake", archived[1]),
        }
    finally:
        event.remove(database.sync_engine, "before_cursor_execute", count)
    assert len(one) == 1
    assert page > 0
    assert many == {page}


async def test_the_practice_sees_it_all(api: httpx.AsyncClient, rows: Rows) -> None:
    sara, past = await _archived(rows)
    told = (await api.get(f"/v1/clients/{sara.id}", headers=DESK)).json()
    assert (told["status"], told["stage"]) == ("archived", "archived")
    assert told["match"]["therapist"] == "ana"
    forms = (await api.get(f"/v1/clients/{sara.id}/forms", headers=DESK)).json()["items"]
    assert forms[0]["status"] == "suspended"
    seen = (await api.get(f"/v1/appointments/{past.id}", headers=DESK)).json()
    assert seen["payment"]["because"] == "archived"
    one = (await api.get(f"/v1/payments/{seen['payment']['id']}", headers=DESK)).json()
    assert (one, one["status"]) == (seen["payment"], "cancelled")
    balance = (await api.get(f"/v1/clients/{sara.id}/balance", headers=DESK)).json()
    assert balance == {"credit": 0, "owed": 15000, "currency": "USD", "by_currency": []}
    assert (await api.get("/v1/clients?status=active", headers=DESK)).json()["items"] == []
    record = (await api.get(f"/v1/clients/{sara.id}/archive", headers=DESK)).json()
    assert (record["already_archived"], record["reason"]) == (True, "moved away")


async def test_a_preview_changes_nothing_and_names_what_would_stop(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana, first_booked_at=NOW)
    ahead = await rows.appointment(sara, ana)
    done = await rows.appointment(sara, ana, status=AppointmentStatus.OCCURRED, starts_at=NOW - timedelta(hours=2))
    pending = await rows.payment(done)
    told = (await api.get(f"/v1/clients/{sara.id}/archive", headers=DESK)).json()
    assert [line["id"] for line in told["appointments"]] == [str(ahead.id)]
    assert [line["id"] for line in told["payments"]] == [str(pending.id)]
    assert told["already_archived"] is False
    assert told["owed"] == 15000
    assert (await api.get(f"/v1/clients/{sara.id}", headers=DESK)).json()["status"] == "active"


async def test_a_former_therapist_keeps_sight_of_their_own_appointments_only(
    api: httpx.AsyncClient, rows: Rows, therapist_token: Any
) -> None:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    sara = await rows.client(ben)
    hers, his = await rows.appointment(sara, ana), await rows.appointment(sara, ben, starts_at=NOW + timedelta(days=9))
    me, him = await therapist_token("ana"), await therapist_token("ben")
    assert (await api.get(f"/v1/clients/{sara.id}", headers=me)).status_code == 404
    assert (await api.get(f"/v1/appointments/{hers.id}", headers=me)).status_code == 200
    assert (await api.get(f"/v1/appointments/{his.id}", headers=me)).status_code == 404
    listed = (await api.get("/v1/appointments", headers=me)).json()["items"]
    assert [appointment["id"] for appointment in listed] == [str(hers.id)]
    assert (await api.get(f"/v1/appointments/{hers.id}", headers=him)).status_code == 200
    other = await api.post(f"/v1/appointments/{hers.id}/outcome", json={"outcome": "occurred"}, headers=him)
    assert problem_of(other) == "not-allowed"
    assert (await api.get(f"/v1/clients/{sara.id}/timeline", headers=me)).status_code == 404


async def test_lists_come_in_pages_that_new_rows_do_not_shift(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist()
    made = [await rows.client(ana, created_at=NOW + timedelta(minutes=n // 2)) for n in range(7)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = (await api.get("/v1/clients", params=query, headers=DESK)).json()
        seen += [client["id"] for client in page["items"]]
        await rows.client(ana, created_at=NOW + timedelta(hours=1))
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert sorted(seen) == sorted(str(client.id) for client in made)
    assert len(seen) == 7


async def test_clients_are_found_by_what_they_are(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist("ana")
    sara = await rows.client(ana, first_name="Sara", last_name="O'Neil", email="s_1@mail.example")
    await rows.client(first_name="Tom", last_name="Sarason", email="sx1@mail.example")
    for query, expected in [
        ("q=sara o", 1),
        ("q=sara", 2),
        ("q=s_1@", 1),
        ("q=%25", 0),
        ("therapist=ana", 1),
        ("therapist=nobody", 0),
        ("stage=matching", 1),
        (f"q={sara.ref.lower()}", 1),
        (f"group={uuid4()}", 0),
    ]:
        found = (await api.get(f"/v1/clients?{query}", headers=DESK)).json()["items"]
        assert len(found) == expected, query


async def test_appointments_are_filtered_by_time(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist()
    sara = await rows.client(ana)
    late = await rows.appointment(
        sara, ana, starts_at=NOW.replace(hour=3) + timedelta(days=2), type=AppointmentType.SESSION
    )
    for query, expected in [
        ("from=2026-03-04&to=2026-03-04", 1),
        ("from=2026-03-04&to=2026-03-04&time_zone=America/New_York", 0),
        ("from=2026-03-03&to=2026-03-03&time_zone=America/New_York", 1),
        ("from=2026-03-04T05:00:00%2B02:00", 1),
        ("from=2026-03-04T05:00:00+02:00&to=2026-03-04T05:00:01+02:00", 1),
        ("to=2026-03-04T03:00:00Z", 0),
        ("status=cancelled", 0),
        (f"client={sara.id}&therapist=ana&status=scheduled", 1),
    ]:
        answer = await api.get(f"/v1/appointments?{query}", headers=DESK)
        assert [a["id"] for a in answer.json()["items"]] == [str(late.id)] * expected, query


async def test_a_timeline_can_be_verified_and_a_change_is_found(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions, owner: Owner
) -> None:
    sara = await rows.client()
    async with sessions() as session:
        client = await session.get_one(type(sara), sara.id)
        for number in range(5):
            tell(
                session,
                client,
                FactKind.DETAILS_CHANGED,
                at=NOW,
                by="system",
                text=f"Fact {number}",
                data={"n": number},
            )
        await session.commit()
    page = (await api.get(f"/v1/clients/{sara.id}/timeline?limit=3", headers=DESK)).json()
    assert [fact["seq"] for fact in page["items"]] == [1, 2, 3]
    rest = await api.get(f"/v1/clients/{sara.id}/timeline", params={"cursor": page["next_cursor"]}, headers=DESK)
    assert [fact["seq"] for fact in rest.json()["items"]] == [4, 5]
    newest: dict[str, str] = {"newest_first": "true", "limit": "3"}
    page = (await api.get(f"/v1/clients/{sara.id}/timeline", params=newest, headers=DESK)).json()
    assert [fact["seq"] for fact in page["items"]] == [5, 4, 3]
    newest["cursor"] = page["next_cursor"]
    rest = await api.get(f"/v1/clients/{sara.id}/timeline", params=newest, headers=DESK)
    assert [fact["seq"] for fact in rest.json()["items"]] == [2, 1]
    told = (await api.get(f"/v1/clients/{sara.id}/timeline/verify", headers=DESK)).json()
    assert (told["valid"], told["facts"], told["broken"]) == (True, 5, None)
    await owner.writes("UPDATE fact SET text = 'Something else' WHERE client_id = :id AND seq = 3", id=sara.id)
    told = (await api.get(f"/v1/clients/{sara.id}/timeline/verify", headers=DESK)).json()
    assert (told["valid"], told["broken"]) == (False, f"entry 3 is {SAYS_ELSE}")
    assert told["faults"] == [{"entry": 3, "last": 3, "what": told["broken"]}]


async def test_a_timeline_that_was_cut_with_its_head_is_found_by_the_anchor_of_the_day_before(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions, owner: Owner
) -> None:
    sara = await rows.client()
    async with sessions() as session:
        client = await session.get_one(type(sara), sara.id)
        for _ in range(3):
            tell(session, client, FactKind.DETAILS_CHANGED, at=NOW, by="system", text="As it was")
        await session.commit()
    async with sessions() as session:
        assert await make_anchor(session, at=NOW) is not None
        await session.commit()
    await owner.writes(
        "DELETE FROM fact WHERE client_id = :id AND seq > 1",
        "UPDATE client SET fact_seq = 1, fact_hash = hash FROM fact WHERE client_id = id AND id = :id",
        id=sara.id,
    )
    told = (await api.get(f"/v1/clients/{sara.id}/timeline/verify", headers=DESK)).json()
    assert (told["valid"], told["facts"]) == (False, 1)
    assert told["broken"] == "entries 2 to 3 are missing: anchor 1 covers entry 3"
    await owner.writes("UPDATE anchored_head SET key_id = 'none'")
    told = (await api.get(f"/v1/clients/{sara.id}/timeline/verify", headers=DESK)).json()
    assert not told["valid"]
    assert told["broken"] == "entry 3 is in anchor 1 under the key 'none', which is not among the CHAIN_KEYS"


@pytest.mark.parametrize(("who", "more"), [(None, False), (SITE, False), (DESK, True)])
async def test_a_profile_tells_staff_more(
    api: httpx.AsyncClient, rows: Rows, who: dict[str, str] | None, more: bool
) -> None:
    ana = await rows.therapist(zoom_link="https://zoom.example/j/1", caseload_limit=3)
    await rows.client(ana)
    told = (await api.get("/v1/therapists/ana", headers=who)).json()
    assert told["session_fee"] == {"amount": 15000, "currency": "USD"}
    assert told["booking_url"] == "https://care.example/book/ana"
    for name in ("email", "zoom_link", "caseload_limit", "active_clients"):
        assert (name in told) is more, name
    assert told.get("active_clients", 1) == 1
