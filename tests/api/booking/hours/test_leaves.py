"""A therapist's leave in one call: what it touches, who is told of it, and how it is taken back."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlmodel import select

from models.database import Sessions
from models.tables import (
    Client,
    Leave,
    OccupiedTime,
    OutboxItem,
    Therapist,
    TimeOffPeriod,
    WaitlistOfferRecord,
    WaitlistPlace,
)
from rules.enums import AppointmentStatus, AppointmentType
from tests.api.conftest import DESK, ROOT, ToldEngine, fields_of, problem_of
from tests.care.defaults import Json
from tests.care.rows import DAY, NOW, Rows
from workflows.messages import OUTBOX_FILLED, journey_id

LEAVES = "/v1/therapists/ana/leaves"
AWAY: Json = {"starts_at": "2026-03-09T00:00:00Z", "ends_at": "2026-03-14T00:00:00Z", "reason": "a knee operation"}
FIRST = NOW + 7 * DAY + timedelta(hours=3)  # the Monday in it
TABLES = ("leave", "time_off", "outbox", "appointment", "occupied_time")


@pytest.fixture(autouse=True)
def woken(engine: ToldEngine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The waitlists that were told to look again."""
    lines = list[str]()

    async def wake(_: ToldEngine, therapist: str) -> None:
        lines.append(therapist)

    monkeypatch.setattr(ToldEngine, "wake_line", wake)
    engine.answers_to[OUTBOX_FILLED] = None
    return lines


async def taken(api: httpx.AsyncClient, headers: Any = DESK, status: int = 201, **more: Any) -> Json:
    answer = await api.post(LEAVES, json=AWAY | more, headers=headers)
    assert answer.status_code == status, answer.text
    told: Json = answer.json()
    return told


async def time_off(api: httpx.AsyncClient) -> list[Json]:
    told: list[Json] = (await api.get("/v1/therapists/ana/availability", headers=DESK)).json()["time_off"]
    return told


async def held(rows: Rows, ana: Therapist, **more: Any) -> OccupiedTime:
    start = FIRST + timedelta(hours=4)
    usual: Json = {
        "id": uuid4(), "therapist_id": ana.id, "type": AppointmentType.SESSION, "starts_at": start,
        "ends_at": start + timedelta(minutes=50), "made_by": "x", "made_at": NOW, "expires_at": NOW + DAY,
    }  # fmt: skip
    hold = OccupiedTime(**usual | more)
    await rows.add(hold)
    return hold


async def offered(rows: Rows, ana: Therapist, client: Client) -> WaitlistOfferRecord:
    start = FIRST + timedelta(hours=6)
    place = WaitlistPlace(
        id=uuid4(), client_id=client.id, therapist_id=ana.id, type=AppointmentType.SESSION, wished_from=NOW,
        wished_until=NOW + 30 * DAY, joined_at=NOW, joined_by="x",
    )  # fmt: skip
    hold = await held(rows, ana, starts_at=start, ends_at=start + timedelta(minutes=50))
    offer = WaitlistOfferRecord(
        id=hold.id, place_id=place.id, starts_at=start, ends_at=hold.ends_at, made_at=NOW, expires_at=NOW + DAY
    )
    await rows.add(place, offer)
    return offer


async def orders(sessions: Sessions) -> list[OutboxItem]:
    async with sessions() as session:
        found = (await session.exec(select(OutboxItem))).all()
    return sorted(found, key=lambda item: item.key)


async def test_one_call_takes_the_time_and_lists_whom_it_touches(
    api: httpx.AsyncClient, rows: Rows, therapist_token: Any, woken: list[str]
) -> None:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben")
    sara, otto = (
        await rows.client(ana, first_name="Sara", email="sara@example.com"),
        await rows.client(ana, first_name="Otto", email="otto@example.com"),
    )
    edge = NOW.replace(hour=0) + 7 * DAY
    inside = [
        await rows.appointment(sara, ana, starts_at=FIRST),
        await rows.appointment(otto, ana, starts_at=FIRST + DAY),
        await rows.appointment(sara, ana, starts_at=FIRST + 2 * DAY),
    ]
    await rows.appointment(sara, ana, starts_at=FIRST + 3 * DAY, status=AppointmentStatus.CANCELLED)
    await rows.appointment(otto, ana, starts_at=edge - timedelta(minutes=50))  # ends as it begins
    await rows.appointment(otto, ana, starts_at=edge + 5 * DAY)  # begins as it ends
    await rows.appointment(otto, ben, starts_at=FIRST + timedelta(hours=2))
    hold, offer = await held(rows, ana), await offered(rows, ana, otto)

    before = await rows.snapshot(*TABLES)
    tried = await taken(api, status=200, dry_run=True, notify=True)
    assert await rows.snapshot(*TABLES) == before
    assert (tried["id"], tried["mailed"], woken) == (None, 0, [])

    told = await taken(api, await therapist_token("ana"))
    assert (told["reason"], woken) == (AWAY["reason"], ["ana"])  # so that what is offered in it is withdrawn
    assert told["counts"] == {"appointments": 3, "clients": 2, "holds": 1, "offers": 1} == tried["counts"]
    seen = [(one["id"], one["client"]["ref"], one["client"]["name"]) for one in told["appointments"]]
    assert seen == [
        (str(one.id), whose.ref, whose.full_name) for one, whose in zip(inside, (sara, otto, sara), strict=True)
    ]
    assert told["appointments"] == tried["appointments"]
    # Whoever knows the id of a hold owns it: it is not told.
    assert str(hold.id) not in str(told)
    assert str(offer.id) not in str(told)
    [one] = told["offers"]
    assert (one["client"]["ref"], one["type"]) == (otto.ref, "session")
    assert [line["reason"] for line in await time_off(api)] == [AWAY["reason"]]
    for one in told["appointments"]:
        assert one["status"] == "scheduled"
    # What is left of it to be worked off can be asked for again.
    await rows.change(inside[0], status=AppointmentStatus.CANCELLED)
    left = (await api.get(f"{LEAVES}/{told['id']}", headers=DESK)).json()
    assert [one["id"] for one in left["appointments"]] == [str(one.id) for one in inside[1:]]
    assert left["counts"]["appointments"] == 2


async def test_each_client_is_told_once_if_asked_and_why_is_nobodys_business(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, sessions: Sessions
) -> None:
    ana = await rows.therapist("ana")
    sara, otto = (
        await rows.client(ana, first_name="Sara", email="sara@example.com"),
        await rows.client(ana, first_name="Otto", email="otto@example.com"),
    )
    silent = await rows.client(ana, first_name="Silent")
    mine = [await rows.appointment(sara, ana, starts_at=FIRST + day * DAY) for day in (0, 1)]
    await rows.appointment(silent, ana, starts_at=FIRST + 2 * DAY)
    told = await taken(api)
    assert (told["mailed"], await orders(sessions), engine.asked) == (0, [], [])

    again = await taken(api, status=200, notify=True, reason="another")
    assert (again["id"], again["reason"], again["mailed"]) == (told["id"], AWAY["reason"], 1)
    [mail] = await orders(sessions)
    assert (mail.template, mail.client_id) == ("leave_notice", sara.id)
    assert mail.order["appointment_ids"] == [str(one.id) for one in mine]
    assert "knee" not in str(mail.order)
    assert [(ask.workflow_id, ask.name) for ask in engine.asked] == [(journey_id(str(sara.id)), OUTBOX_FILLED)]

    await rows.appointment(otto, ana, starts_at=FIRST + 3 * DAY)
    assert (await taken(api, status=200))["mailed"] == 1
    assert (await taken(api, status=200, notify=True))["mailed"] == 2
    assert (await api.get(f"{LEAVES}/{told['id']}", headers=DESK)).json()["mailed"] == 2
    assert [item.client_id for item in await orders(sessions)].count(sara.id) == 1
    assert {item.client_id for item in await orders(sessions)} == {sara.id, otto.id}
    assert len(await time_off(api)) == 1


async def test_an_admin_is_told_how_many_and_nobody_of_whom(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions
) -> None:
    ana = await rows.therapist("ana")
    sara = await rows.client(ana, first_name="Sara", email="sara@example.com")
    await rows.appointment(sara, ana, starts_at=FIRST)
    await offered(rows, ana, sara)
    told = await taken(api, ROOT, notify=True)
    assert (told["counts"], told["mailed"]) == ({"appointments": 1, "clients": 1, "holds": 0, "offers": 1}, 1)
    assert "appointments" not in told
    assert "offers" not in told
    assert str(sara.id) not in str(told)
    assert len(await orders(sessions)) == 1
    one = await api.get(f"{LEAVES}/{told['id']}", headers=ROOT)
    assert sara.ref not in one.text


async def test_one_that_is_taken_back_frees_its_time_and_no_other(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions
) -> None:
    await rows.therapist("ana")
    other = {"starts_at": "2026-03-10T00:00:00Z", "ends_at": "2026-03-20T00:00:00Z", "reason": ""}
    await api.put("/v1/therapists/ana/availability", json={"time_off": [other]}, headers=DESK)
    told = await taken(api)
    assert len(await time_off(api)) == 2
    [listed] = (await api.get(LEAVES, headers=DESK)).json()["items"]
    assert (listed["id"], listed["reason"], listed["made_by"]) == (told["id"], AWAY["reason"], "care_team:desk")
    assert (await api.delete(f"{LEAVES}/{told['id']}", headers=DESK)).status_code == 204
    assert await time_off(api) == [other]
    assert (await api.get(LEAVES, headers=DESK)).json()["items"] == []
    for ask in (api.delete, api.get):
        assert problem_of(await ask(f"{LEAVES}/{told['id']}", headers=DESK)) == "not-found"

    anew = await taken(api)
    assert anew["id"] != told["id"]
    async with sessions() as session:
        kept = {leave.id: leave.ended_by for leave in await session.exec(select(Leave))}
        numbers = [off.number for off in await session.exec(select(TimeOffPeriod))]
    assert kept == {UUID(told["id"]): "care_team:desk", UUID(anew["id"]): None}
    assert sorted(numbers) == [0, 1]
    # It goes with its time off, too: saved without it, the leave is none any more, and can be taken again.
    await api.put("/v1/therapists/ana/availability", json={}, headers=DESK)
    assert (await api.get(LEAVES, headers=DESK)).json()["items"] == []
    assert (await taken(api))["id"] not in {told["id"], anew["id"]}


async def test_the_same_request_is_the_same_leave(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist("ana")
    key = {"Idempotency-Key": "one-leave"}
    first = await taken(api, DESK | key)
    assert await taken(api, DESK | key) == first


async def test_what_is_no_leave_is_refused_and_changes_nothing(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist("ana")
    before = await rows.snapshot(*TABLES)
    for wrong, field in (
        ({"ends_at": AWAY["starts_at"]}, "ends_at"),
        ({"ends_at": "2031-03-20T00:00:00Z"}, "ends_at"),
        ({"starts_at": "2026-02-01T00:00:00Z", "ends_at": "2026-03-02T12:00:00Z"}, "ends_at"),  # now
        ({"starts_at": "2026-03-09"}, "starts_at"),
        ({"reason": "x" * 501}, "reason"),
        ({"why": "x"}, "why"),
    ):
        answer = await api.post(LEAVES, json=AWAY | wrong, headers=DESK)
        assert (problem_of(answer), fields_of(answer)) == ("validation-failed", [field]), wrong
    assert await rows.snapshot(*TABLES) == before
    # One that has begun already can be taken: somebody fell ill this morning.
    assert (await taken(api, starts_at="2026-03-02T08:00:00Z", ends_at="2026-03-03T00:00:00Z"))["id"]
