"""Series every 1, 2 or 4 weeks, and what they do where the practice is closed."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlmodel import col, select

from models.tables import Appointment, Client, Fact, Therapist
from tests.api.booking.calls import TEN, BookingCalls
from tests.api.booking.closures.closing import ST_PATRICK, WEEK, Json, after_intake, closed, closes
from tests.api.conftest import DESK, fields_of, problem_of
from tests.care.rows import Rows

NEW_YORK = ZoneInfo("America/New_York")
NAMED = {"date": "2026-03-17", "name": "Saint Patrick's Day"}


async def asks(booking: BookingCalls, client: Client, *, by: Any = DESK, **more: Any) -> httpx.Response:
    body = {"type": "session", "starts_at": TEN.isoformat(), "mode": "video", "weeks": 4, **more}
    return await booking.api.post(f"/v1/clients/{client.id}/appointments", json=body, headers=by)


async def books(booking: BookingCalls, client: Client, **more: Any) -> Json:
    answer = await asks(booking, client, **more)
    assert answer.status_code == 201, answer.text
    told: Json = answer.json()
    return told


def walls(appointments: list[Json]) -> list[str]:
    starts = [datetime.fromisoformat(one["starts_at"]).astimezone(NEW_YORK) for one in appointments]
    return [f"{start:%m-%d %H:%M}" for start in starts]


async def therapist_of(rows: Rows, client: Client) -> Therapist:
    async with rows.sessions() as session:
        return await session.get_one(Therapist, client.therapist_id)


@pytest.fixture
async def sara(booking: BookingCalls) -> Client:
    return await after_intake(booking.rows, await booking.person(await booking.rows.therapist()))


# ---------------------------------------------------------------- every so many weeks


@pytest.mark.parametrize(
    ("every", "dates"),
    [
        (1, ["03-03 10:00", "03-10 10:00", "03-17 10:00", "03-24 10:00"]),
        (2, ["03-03 10:00", "03-17 10:00", "03-31 10:00", "04-14 10:00"]),
        (4, ["03-03 10:00", "03-31 10:00", "04-28 10:00", "05-26 10:00"]),
    ],
)
async def test_so_many_appointments_so_many_weeks_apart_at_one_wall_time(
    booking: BookingCalls, sara: Client, every: int, dates: list[str]
) -> None:
    booked = await books(booking, sara, every=every)
    assert walls(booked["appointments"]) == dates
    assert {one["every"] for one in booked["appointments"]} == {every}
    assert {one["series_id"] for one in booked["appointments"]} == {booked["series_id"]}
    async with booking.rows.sessions() as session:
        rows = (await session.exec(select(Appointment).order_by(col(Appointment.starts_at)))).all()
        [fact] = (await session.exec(select(Fact).where(col(Fact.kind) == "booked"))).all()
    assert [row.week for row in rows] == [every * n for n in range(4)]
    assert fact.data["every"] == every
    apart = "" if every == 1 else f", one every {every} weeks,"
    assert fact.text == f"A series of 4 sessions{apart} was booked."
    one = await booking.api.get(f"/v1/appointments/{rows[0].id}", headers=DESK)
    assert one.json()["every"] == every


async def test_this_and_all_after_it_keeps_the_weeks_between(booking: BookingCalls, sara: Client) -> None:
    booked = await books(booking, sara, every=2)
    second = booked["appointments"][1]
    to = datetime.fromisoformat(second["starts_at"]) + timedelta(days=1, hours=1)
    body = {"starts_at": to.isoformat(), "reason": "x", "scope": "following"}
    moved = await booking.api.post(f"/v1/appointments/{second['id']}/reschedule", json=body, headers=DESK)
    assert moved.status_code == 200, moved.text
    told = moved.json()
    assert walls([told, *told["following"]]) == ["03-18 11:00", "04-01 11:00", "04-15 11:00"]
    assert {one["every"] for one in [told, *told["following"]]} == {2}


async def test_a_conflict_names_the_week_of_the_calendar(booking: BookingCalls, sara: Client, rows: Rows) -> None:
    tom = await booking.person(await booking.rows.therapist("ben"), "tom")
    ana = await therapist_of(rows, sara)
    await rows.appointment(tom, ana, starts_at=TEN + 4 * WEEK - timedelta(hours=1))
    refused = await asks(booking, sara, every=2)
    assert problem_of(refused) == "series-conflict"
    [conflict] = refused.json()["conflicts"]
    assert (conflict["week"], walls([conflict])) == (5, ["03-31 10:00"])
    assert "closure" not in conflict


@pytest.mark.parametrize("wrong", [{"every": 3}, {"every": 0}, {"every": "2"}, {"every": True}, {"on_closure": "x"}])
async def test_other_rhythms_are_refused(booking: BookingCalls, sara: Client, wrong: Json) -> None:
    assert fields_of(await asks(booking, sara, **wrong)) == [*wrong]


async def test_one_appointment_is_no_series_however_often(booking: BookingCalls, sara: Client) -> None:
    booked = await books(booking, sara, weeks=1, every=2)
    assert booked["series_id"] is None
    assert booked["appointments"][0]["every"] is None


# ---------------------------------------------------------------- where the practice is closed


@pytest.mark.parametrize("of_practice", [True, False])
async def test_a_closed_day_is_asked_about_by_its_name(booking: BookingCalls, sara: Client, of_practice: bool) -> None:
    by = DESK if of_practice else await booking.sign_in(sara)
    await closes(booking.api, ST_PATRICK)
    refused = await asks(booking, sara, by=by)
    assert problem_of(refused) == "series-conflict"
    [conflict] = refused.json()["conflicts"]
    assert (conflict["week"], conflict["closure"]) == (3, NAMED)
    assert conflict["because"] == "The practice is closed on this day: Saint Patrick's Day."
    days = {wall[:5] for wall in walls(conflict["alternatives"])}
    assert days
    assert days <= {"03-16", "03-18"}  # of that week, and not of that day
    assert await booking.occupied() == []


@pytest.mark.parametrize("of_practice", [True, False])
async def test_or_left_out_and_the_series_ends_where_it_would_have_ended(
    booking: BookingCalls, sara: Client, of_practice: bool
) -> None:
    by = DESK if of_practice else await booking.sign_in(sara)
    await closes(booking.api, ST_PATRICK)
    booked = await books(booking, sara, by=by, on_closure="skip")
    assert walls(booked["appointments"]) == ["03-03 10:00", "03-10 10:00", "03-24 10:00"]
    [skipped] = booked["skipped"]
    assert (skipped["week"], skipped["closure"]) == (3, NAMED)
    async with booking.rows.sessions() as session:
        rows = (await session.exec(select(Appointment).order_by(col(Appointment.starts_at)))).all()
        [fact] = (await session.exec(select(Fact).where(col(Fact.kind) == "booked"))).all()
    assert [row.week for row in rows] == [0, 1, 3]
    assert fact.data["skipped"][0]["closure"] == "2026-03-17"
    assert "Patrick" not in str(fact.data)


async def test_every_second_week_may_pass_it_by(booking: BookingCalls, sara: Client) -> None:
    await closes(booking.api, closed((TEN + WEEK).date()))
    assert (await books(booking, sara, every=2))["skipped"] == []


async def test_what_else_is_in_the_way_is_asked_about_all_the_same(
    booking: BookingCalls, sara: Client, rows: Rows
) -> None:
    tom = await booking.person(await booking.rows.therapist("ben"), "tom")
    ana = await therapist_of(rows, sara)
    await rows.appointment(tom, ana, starts_at=TEN + WEEK - timedelta(hours=1))
    await closes(booking.api, ST_PATRICK)
    refused = await asks(booking, sara, on_closure="skip")
    assert [one["week"] for one in refused.json()["conflicts"]] == [2]
    booked = await books(booking, sara, on_closure="ask", skip_conflicts=True)
    assert [(one["week"], "closure" in one) for one in booked["skipped"]] == [(2, False), (3, True)]


async def test_a_first_date_that_is_closed_is_left_out_too_if_it_could_be_had_otherwise(
    booking: BookingCalls, sara: Client
) -> None:
    me = await booking.sign_in(sara)
    await closes(booking.api, closed(TEN.date()))
    off_the_grid = (TEN + timedelta(minutes=7)).isoformat()
    refused = await asks(booking, sara, by=me, on_closure="skip", starts_at=off_the_grid)
    assert [one["because"] for one in refused.json()["conflicts"]] == [
        "The therapist's appointments do not begin at this time."
    ]
    booked = await books(booking, sara, by=me, on_closure="skip")
    assert walls(booked["appointments"]) == ["03-10 10:00", "03-17 10:00", "03-24 10:00"]


async def test_a_series_of_closed_days_alone_is_none(booking: BookingCalls, sara: Client) -> None:
    await closes(booking.api, closed(TEN.date()), closed((TEN + WEEK).date()))
    refused = await asks(booking, sara, weeks=2, on_closure="skip")
    assert problem_of(refused) == "series-conflict"
    assert [one["week"] for one in refused.json()["conflicts"]] == [1, 2]


async def test_a_series_is_not_moved_onto_it_together(booking: BookingCalls, sara: Client) -> None:
    booked = await books(booking, sara)
    await closes(booking.api, closed((TEN + 2 * WEEK).date() + timedelta(days=1)))
    first = booked["appointments"][0]
    body = {"starts_at": (TEN + timedelta(days=1)).isoformat(), "reason": "x", "scope": "following"}
    path = f"/v1/appointments/{first['id']}/reschedule"
    refused = await booking.api.post(path, json=body, headers=DESK)
    assert problem_of(refused) == "series-conflict"
    [conflict] = refused.json()["conflicts"]
    assert (conflict["week"], conflict["closure"]["date"]) == (3, "2026-03-18")
