"""Closures: made by admins, known to everybody, and in the way of whatever the client side wants on that day."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from api.problems import EngineUnavailable
from models.tables import WaitlistPlace
from rules.enums import AppointmentType
from tests.api.booking.calls import TEN, BookingCalls
from tests.api.booking.closures.closing import ST_PATRICK, THIRD_WEEK, WEEK, Json, closed, closes
from tests.api.conftest import DESK, ROOT, SITE, ToldEngine, fields_of, problem_of
from tests.care.rows import NOW, Rows

NAMED = {"date": "2026-03-17", "name": "Saint Patrick's Day"}
ON_IT = TEN + 2 * WEEK - timedelta(hours=1)  # ten in New York, whose clocks have gone forward


async def listed(api: httpx.AsyncClient, **params: str) -> list[Json]:
    answer = await api.get("/v1/closures", params=params)
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


async def test_admins_make_them_and_everybody_knows_them(api: httpx.AsyncClient) -> None:
    made = await closes(api, closed(date(2026, 12, 25), "Christmas Day"), ST_PATRICK)
    assert [(one["date"], one["name"], one["booked"]) for one in made] == [
        ("2026-03-17", "Saint Patrick's Day", []), ("2026-12-25", "Christmas Day", [])
    ]  # fmt: skip
    shown = [{key: one[key] for key in ("id", "date", "name")} for one in made]
    assert await listed(api) == shown
    assert await listed(api, **{"from": "2026-03-18"}) == shown[1:]
    assert await listed(api, to="2026-03-17") == shown[:1]
    page = (await api.get("/v1/closures", params={"limit": 1})).json()
    rest = (await api.get("/v1/closures", params={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert [page["items"], rest["items"], rest["next_cursor"]] == [shown[:1], shown[1:], None]


async def test_the_same_again_is_the_same_and_another_name_is_refused(api: httpx.AsyncClient) -> None:
    [made] = await closes(api, ST_PATRICK)
    again = await closes(api, ST_PATRICK, closed(date(2026, 12, 25)))
    assert again[0] == made
    body = {"closures": [closed(date(2026, 12, 26)), ST_PATRICK | {"name": "Another"}]}
    refused = await api.post("/v1/closures", json=body, headers=ROOT)
    assert fields_of(refused) == ["closures[1].date"]
    assert "is closed already: Saint Patrick's Day" in refused.json()["detail"]
    assert len(await listed(api)) == 2  # all of it or nothing


@pytest.mark.parametrize(
    ("days", "fields"),
    [
        ([], ["closures"]),
        ([closed(date(2026, 3, 1))], ["closures[0].date"]),  # yesterday; the product's day is 2 March
        ([ST_PATRICK, ST_PATRICK], ["closures[1].date"]),
        ([{"date": "2026-02-30", "name": "x"}], ["closures[0].date"]),
        ([{"date": "2026-03-17T00:00:00", "name": "x"}], ["closures[0].date"]),
        ([{"date": 1773705600, "name": "x"}], ["closures[0].date"]),
        ([{"date": "1999-12-31", "name": "x"}], ["closures[0].date"]),
        ([{"date": "2026-03-17", "name": " "}], ["closures[0].name"]),
        ([{"date": "2026-03-17", "name": "x", "therapist": "ana"}], ["closures[0].therapist"]),
    ],
)
async def test_what_is_no_closure_is_refused_and_changes_nothing(
    api: httpx.AsyncClient, days: list[Json], fields: list[str]
) -> None:
    assert fields_of(await api.post("/v1/closures", json={"closures": days}, headers=ROOT)) == fields
    assert await listed(api) == []


async def test_nobody_is_offered_a_time_on_it_until_it_is_open_again(booking: BookingCalls) -> None:
    sara = await booking.person(await booking.rows.therapist())
    assert len(await booking.slots(day=ON_IT)) == 15
    [made] = await closes(booking.api, ST_PATRICK)
    assert await booking.slots(day=ON_IT) == []
    assert len(await booking.slots(day=ON_IT + timedelta(days=1))) == 15
    for refused in (await booking.books(sara, ON_IT), await booking.ask(ON_IT)):
        assert problem_of(refused) == "slot-unavailable"
        assert refused.json()["closure"] == NAMED
        assert refused.json()["detail"] == "The practice is closed on this day: Saint Patrick's Day."
        starts = [datetime.fromisoformat(slot["starts_at"]) for slot in refused.json()["alternatives"]]
        assert len(starts) == 3
        assert THIRD_WEEK not in {start.date() for start in starts}

    for expected in (204, 404):
        answer = await booking.api.delete(f"/v1/closures/{made['id']}", headers=ROOT)
        assert answer.status_code == expected
    assert len(await booking.slots(day=ON_IT)) == 15
    assert (await booking.books(sara, ON_IT)).status_code == 201


async def test_a_hold_does_not_keep_a_time_open_on_a_day_that_is_closed_since(booking: BookingCalls) -> None:
    sara = await booking.person(await booking.rows.therapist())
    hold = await booking.hold(ON_IT)
    await closes(booking.api, ST_PATRICK)
    assert await booking.slots(day=ON_IT, hold=hold) == []
    assert problem_of(await booking.books(sara, ON_IT, hold=hold)) == "slot-unavailable"


async def test_the_practice_may_book_and_move_onto_it_and_is_told_so(booking: BookingCalls) -> None:
    sara = await booking.person(await booking.rows.therapist())
    me = await booking.sign_in(sara)
    await closes(booking.api, ST_PATRICK)
    booked = (await booking.books(sara, ON_IT, by=DESK)).json()
    told = [{"week": 1, "starts_at": f"{ON_IT:%Y-%m-%dT%H:%M:%SZ}", "because": "The practice is closed on this day."}]
    assert booked["exceptions"] == told
    id = booked["appointments"][0]["id"]
    path = f"/v1/appointments/{id}/reschedule"
    away = {"starts_at": (ON_IT + timedelta(days=1)).isoformat(), "reason": "x"}
    assert (await booking.api.post(path, json=away, headers=me)).status_code == 200
    back = {"starts_at": ON_IT.isoformat(), "reason": "x"}
    refused = await booking.api.post(path, json=back, headers=me)
    assert (problem_of(refused), refused.json()["closure"]) == ("slot-unavailable", NAMED)
    moved = await booking.api.post(path, json=back, headers=DESK)
    assert (moved.status_code, moved.json()["exceptions"]) == (200, told)


async def test_what_is_booked_stands_and_is_counted_for_the_admin_and_shown_to_the_practice(
    booking: BookingCalls, rows: Rows
) -> None:
    ana, ben = await rows.therapist("ana"), await rows.therapist("ben", time_zone="Asia/Tokyo")
    sara, tom = await booking.person(ana), await booking.person(ben, "tom")
    first = await rows.appointment(sara, ana, starts_at=ON_IT)
    await rows.appointment(sara, ana, starts_at=ON_IT + timedelta(hours=2))
    # Ten at night in New York on the 16th is the 17th in Tokyo; ten in the morning on the 17th is almost the 18th.
    his = await rows.appointment(tom, ben, starts_at=datetime(2026, 3, 17, 2, tzinfo=UTC))
    await rows.appointment(tom, ben, starts_at=datetime(2026, 3, 17, 15, 30, tzinfo=UTC))
    [made] = await closes(booking.api, ST_PATRICK)
    assert made["booked"] == [{"therapist": "ana", "appointments": 2}, {"therapist": "ben", "appointments": 1}]
    path = f"/v1/closures/{made['id']}/appointments"
    shown = (await booking.api.get(path, headers=DESK)).json()["appointments"]
    assert (len(shown), shown[0]["id"], shown[0]["status"]) == (3, str(his.id), "scheduled")
    own = {"Authorization": f"Bearer {await rows.token_of('ana', made_at=NOW)}"}
    shown = (await booking.api.get(path, headers=own)).json()["appointments"]
    assert [one["client_id"] for one in shown] == [str(sara.id)] * 2
    assert shown[0]["id"] == str(first.id)
    for by, status in ((ROOT, 403), (SITE, 403), ({}, 401)):
        assert (await booking.api.get(path, headers=by)).status_code == status
    assert (await booking.api.get(f"/v1/closures/{uuid4()}/appointments", headers=DESK)).status_code == 404


async def test_whoever_waits_is_looked_at_again(
    booking: BookingCalls, engine: ToldEngine, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine is away here: what was closed stands all the same, and the line looks by itself within a day."""
    woken: list[str] = []

    async def away(therapist: str) -> None:
        woken.append(therapist)
        raise EngineUnavailable

    monkeypatch.setattr(engine, "wake_line", away)
    sara = await booking.person(await rows.therapist())
    place: Json = {"wished_from": NOW, "wished_until": ON_IT + WEEK, "joined_at": NOW, "joined_by": "x"}
    ana = sara.therapist_id
    assert ana is not None
    await rows.add(
        WaitlistPlace(id=uuid4(), client_id=sara.id, therapist_id=ana, type=AppointmentType.SESSION, **place)
    )
    [made] = await closes(booking.api, ST_PATRICK)
    assert (await booking.api.delete(f"/v1/closures/{made['id']}", headers=ROOT)).status_code == 204
    assert woken == ["ana", "ana"]
