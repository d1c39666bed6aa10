"""Calendar files over the API: one to download by scope, and the feed whose address is its only key."""

import asyncio
import json
import logging
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
import structlog
from fastapi import FastAPI
from icalendar import Calendar
from sqlmodel import select

from api.accounts.tokens import hash_of
from api.routes.booking import calendar_files
from local.processes import ROOT as CHECKOUT
from local.processes import free_port
from models.database import Sessions
from models.tables import (
    CalendarFeed,
    Client,
    Closure,
    OccupiedTime,
    Therapist,
    TimeOffPeriod,
    WaitlistOfferRecord,
    WaitlistPlace,
)
from rules.enums import AppointmentStatus, AppointmentType, ClientStatus, Mode, Role
from tests.api.conftest import DESK, OFFICE, ROOT, SITE, StandingClock, problem_of
from tests.calendars.reading import read, unfolded
from tests.care.defaults import EMAIL_FROM
from tests.care.rows import NOW, Rows
from tests.care.served import serving

# ---------------------------------------------------------------- one appointment


async def _sara(rows: Rows, therapist: Therapist, **more: Any) -> Client:
    names = {"first_name": "Sara", "last_name": "Lind", "email": "sara@mail.example"}
    return await rows.client(therapist, **{**names, **more})


async def test_one_file_is_the_present_invitation(api: httpx.AsyncClient, rows: Rows, therapist_token: Any) -> None:
    ana = await rows.therapist(name="Dr. Ana\r\nATTENDEE:mailto:evil@evil.example")
    sara = await _sara(rows, ana)
    booked = await rows.appointment(sara, ana, sequence=2, join_url="https://meet.example/a,b")
    for headers, attendee, name in [
        (SITE, "sara@mail.example", "Sara Lind"),
        (DESK, "ana@practice.example", "Dr. Ana ATTENDEE:mailto:evil@evil.example"),
        (await therapist_token("ana"), "ana@practice.example", "Dr. Ana ATTENDEE:mailto:evil@evil.example"),
    ]:
        answer = await api.get(f"/v1/appointments/{booked.id}/calendar.ics", headers=headers)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/calendar; method=REQUEST; charset=utf-8"
        assert answer.headers["content-disposition"] == 'attachment; filename="invite.ics"'
        assert answer.headers["cache-control"] == "private, no-cache"
        again = {**headers, "If-None-Match": answer.headers["etag"]}
        assert (await api.get(f"/v1/appointments/{booked.id}/calendar.ics", headers=again)).status_code == 304
        calendar, [told] = read(answer.content)
        assert calendar["METHOD"] == "REQUEST"
        assert (told.starts_at, told.ends_at) == (booked.starts_at, booked.ends_at)
        assert (told.event["UID"], told.event["SEQUENCE"]) == (f"{booked.id}@care-journeys", 2)
        assert told.event["ORGANIZER"] == f"mailto:{EMAIL_FROM}"
        assert (told.event["ATTENDEE"], told.event["ATTENDEE"].params["CN"]) == (f"mailto:{attendee}", name)
        assert told.event["URL"] == "https://meet.example/a,b"
        assert sum(line.startswith(b"ATTENDEE") for line in unfolded(answer.content)) == 1


@pytest.mark.parametrize("status", [AppointmentStatus.CANCELLED, AppointmentStatus.LATE_CANCELLED])
async def test_a_cancelled_one_is_a_cancellation(api: httpx.AsyncClient, rows: Rows, status: AppointmentStatus) -> None:
    ana = await rows.therapist(time_zone="Australia/Lord_Howe")
    gone = await rows.appointment(await _sara(rows, ana), ana, status=status, sequence=1)
    answer = await api.get(f"/v1/appointments/{gone.id}/calendar.ics", headers=SITE)
    assert answer.headers["content-type"] == "text/calendar; method=CANCEL; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="cancel.ics"'
    calendar, [told] = read(answer.content)
    assert (calendar["METHOD"], told.event["STATUS"], told.event["SEQUENCE"]) == ("CANCEL", "CANCELLED", 1)
    assert told.starts_at == gone.starts_at


async def test_a_test_client_s_file_names_the_staff_who_made_them(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist()
    await rows.staff("jo", Role.CARE_TEAM)
    booked = await rows.appointment(await _sara(rows, ana, test=True, made_by="care_team:jo"), ana)
    for headers in (SITE, DESK):
        _, [told] = read((await api.get(f"/v1/appointments/{booked.id}/calendar.ics", headers=headers)).content)
        assert told.event["ATTENDEE"] == "mailto:jo@practice.example"


async def test_a_file_is_seen_by_whoever_sees_the_appointment(
    api: httpx.AsyncClient, rows: Rows, therapist_token: Any
) -> None:
    ana = await rows.therapist("ana")
    await rows.therapist("ben")
    booked = await rows.appointment(await _sara(rows, ana), ana)
    path = f"/v1/appointments/{booked.id}/calendar.ics"
    assert (await api.get(path)).status_code == 401
    assert problem_of(await api.get(path, headers=await therapist_token("ben"))) == "not-found"
    assert problem_of(await api.get(f"/v1/appointments/{uuid4()}/calendar.ics", headers=DESK)) == "not-found"
    assert problem_of(await api.get("/v1/appointments/no-uuid/calendar.ics", headers=DESK)) == "not-found"


# ---------------------------------------------------------------- the feed's address


async def _made(api: httpx.AsyncClient, slug: str = "ana", headers: dict[str, str] | None = None) -> str:
    """The path of a new feed."""
    answer = await api.post(f"/v1/therapists/{slug}/feed", headers=headers or DESK)
    assert answer.status_code == 201, answer.text
    return str(urlsplit(answer.json()["url"]).path)


def _secret(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".ics")


async def test_a_feed_is_made_replaced_and_ended(
    api: httpx.AsyncClient, rows: Rows, sessions: Sessions, clock: StandingClock
) -> None:
    await rows.therapist()
    own = "/v1/therapists/ana/feed"
    assert problem_of(await api.get(own, headers=DESK)) == "not-found"
    answer = await api.post(own, headers=DESK)
    told = answer.json()
    assert told.keys() == {"url", "made_at"}
    assert told["url"].startswith("http://api/v1/therapists/ana/feed/")  # the address that was asked
    first = urlsplit(told["url"]).path
    assert len(_secret(first)) == 43
    assert (await api.get(first)).status_code == 200
    for method in ("POST", "GET", "DELETE"):  # whoever has a feed's address sees appointments: it is none of an admin's
        assert problem_of(await api.request(method, own, headers=ROOT)) == "not-allowed"
    seen = await api.get(own, headers=OFFICE)
    assert seen.json() == {"made_at": told["made_at"], "made_by": "care_team:desk"}
    async with sessions() as session:
        kept = (await session.exec(select(CalendarFeed))).one()
    assert kept.secret_hash == hash_of(_secret(first))
    assert _secret(first) not in json.dumps(kept.model_dump(mode="json"))

    clock.advance(hours=1)
    second = await _made(api, headers=OFFICE)
    assert problem_of(await api.get(first)) == "not-found"
    assert (await api.get(second)).status_code == 200
    assert (await api.get(own, headers=DESK)).json()["made_by"] == "care_team:office"

    assert (await api.delete(own, headers=DESK)).status_code == 204
    assert problem_of(await api.get(second)) == "not-found"
    assert problem_of(await api.get(own, headers=DESK)) == "not-found"
    assert problem_of(await api.delete(own, headers=DESK)) == "not-found"


async def test_a_therapist_has_their_own_feed_alone(api: httpx.AsyncClient, rows: Rows, therapist_token: Any) -> None:
    await rows.therapist("ana")
    await rows.therapist("ben")
    ana = await therapist_token("ana")
    path = await _made(api, headers=ana)
    assert (await api.get(path)).status_code == 200
    assert (await api.get("/v1/therapists/ana/feed", headers=ana)).json()["made_by"] == "therapist:ana"
    for method in ("GET", "POST", "DELETE"):
        assert problem_of(await api.request(method, "/v1/therapists/ben/feed", headers=ana)) == "not-allowed"
        assert (await api.request(method, "/v1/therapists/ana/feed", headers=SITE)).status_code == 403
        assert (await api.request(method, "/v1/therapists/ana/feed")).status_code == 401
        assert problem_of(await api.request(method, "/v1/therapists/nobody/feed", headers=DESK)) == "not-found"


async def test_of_many_made_at_once_one_stands(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist()
    paths = await asyncio.gather(*(_made(api) for _ in range(8)))
    statuses = [(await api.get(path)).status_code for path in paths]
    assert sorted(statuses) == [200, *[404] * 7]


async def test_the_same_request_again_gets_the_same_address(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist()
    key = {**DESK, "Idempotency-Key": "again"}
    assert await _made(api, headers=key) == (again := await _made(api, headers=key))
    assert (await api.get(again)).status_code == 200


async def test_a_wrong_address_is_not_found(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist("ana")
    await rows.therapist("ben")
    secret = _secret(await _made(api, "ana"))
    wrong = [
        f"/v1/therapists/ben/feed/{secret}.ics",
        f"/v1/therapists/nobody/feed/{secret}.ics",
        f"/v1/therapists/ana/feed/{secret}",
        f"/v1/therapists/ana/feed/{secret[:-1]}.ics",
        f"/v1/therapists/ana/feed/{secret.swapcase()}.ics",
        f"/v1/therapists/ana/feed/{hash_of(secret)}.ics",
        "/v1/therapists/ana/feed/.ics",
        "/v1/therapists/ana/feed/%C3%A9.ics",
        "/v1/therapists/ana/feed/%ED%A0%80.ics",
        f"/v1/therapists/ana/feed/{secret}%00.ics",
    ]
    for path in wrong:
        assert problem_of(await api.get(path)) == "not-found", path
    right = f"/v1/therapists/ana/feed/{secret}.ics"
    assert (await api.get(right, headers={"Authorization": "Basic bm9ib2R5"})).status_code == 200  # no token is read
    probed = await api.head(right)
    assert (probed.status_code, probed.content) == (200, b"")
    assert problem_of(await api.post(right)) == "not-allowed"


# ---------------------------------------------------------------- what is in it


async def test_a_feed_holds_what_stands_and_names_nobody(api: httpx.AsyncClient, rows: Rows) -> None:
    ana, ben = await rows.therapist("ana", time_zone="America/Santiago"), await rows.therapist("ben")
    sara = await _sara(rows, ana, note="panic attacks", phone="+12125550100")
    ahead = await rows.appointment(sara, ana, join_url="https://meet.example/1", cancel_reason="x")
    far = await rows.appointment(sara, ana, starts_at=NOW + timedelta(days=600))
    held = await rows.appointment(
        sara, ana, starts_at=NOW - timedelta(days=30), status=AppointmentStatus.OCCURRED, sequence=4
    )
    missed = await rows.appointment(
        sara, ana, starts_at=NOW - timedelta(days=29), status=AppointmentStatus.NO_SHOW, cancel_reason="ill"
    )
    archived = await rows.client(ana, status=ClientStatus.ARCHIVED, test=True)
    kept = await rows.appointment(archived, ana, starts_at=NOW + timedelta(days=1))
    await rows.appointment(sara, ana, starts_at=NOW - timedelta(days=30, minutes=1), status=AppointmentStatus.OCCURRED)
    for number, status in enumerate((AppointmentStatus.CANCELLED, AppointmentStatus.LATE_CANCELLED)):
        await rows.appointment(sara, ana, starts_at=NOW + timedelta(days=20 + number), status=status)
    await rows.appointment(sara, ben, starts_at=NOW + timedelta(days=3))

    answer = await api.get(await _made(api))
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    calendar, told = read(answer.content)
    expected = [held, missed, kept, ahead, far]
    assert [(one.event["UID"], one.starts_at, one.ends_at) for one in told] == [
        (f"{row.id}@care-journeys", row.starts_at, row.ends_at) for row in expected
    ]
    assert calendar["X-WR-CALNAME"] == "Appointments - Ana"
    assert {str(one.event["SUMMARY"]) for one in told} == {"Appointment"}
    assert told[3].event["DESCRIPTION"] == f"Video call: https://meet.example/1\nClient {sara.ref}"
    assert told[2].event["DESCRIPTION"] == f"Video call\nTest client {archived.ref}"
    assert told[0].event["DTSTAMP"].dt == held.booked_at + timedelta(seconds=4)
    text = b"\n".join(unfolded(answer.content)).decode()
    for word in ("Sara", "Lind", "mail.example", "panic", "2125550100", "ill", "session", "no_show", "rchived", " fee"):
        assert word not in text, word


async def test_a_feed_is_sent_again_only_when_it_changed(
    api: httpx.AsyncClient, rows: Rows, clock: StandingClock, sessions: Sessions
) -> None:
    ana = await rows.therapist()
    booked = await rows.appointment(await _sara(rows, ana), ana)
    path = await _made(api)
    first = await api.get(path)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, max-age=300"
    clock.advance(hours=5)
    assert (await api.get(path)).content == first.content
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        same = await api.get(path, headers={"If-None-Match": known})
        assert (same.status_code, same.content) == (304, b"")
        assert (same.headers["etag"], same.headers["cache-control"]) == (tag, "private, max-age=300")
    assert (await api.get(path, headers={"If-None-Match": '"other"'})).status_code == 200

    async with sessions() as session:
        row = await session.get_one(type(booked), booked.id)
        row.mode, row.sequence = Mode.PHONE, row.sequence + 1
        session.add(row)
        await session.commit()
    changed = await api.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag
    [before], [after] = read(first.content)[1], read(changed.content)[1]
    assert after.event["DTSTAMP"].dt > before.event["DTSTAMP"].dt
    assert after.event["SEQUENCE"] == before.event["SEQUENCE"] + 1


async def test_what_is_held_offered_or_closed_is_told_and_names_nobody(
    api: httpx.AsyncClient, rows: Rows, clock: StandingClock
) -> None:
    ana = await rows.therapist("ana", time_zone="Europe/Dublin")
    sara = await _sara(rows, ana)
    day = NOW + timedelta(days=2)
    offered = uuid4()
    place = WaitlistPlace(
        id=uuid4(),
        client_id=sara.id,
        therapist_id=ana.id,
        type=AppointmentType.SESSION,
        wished_from=NOW,
        wished_until=NOW + timedelta(days=9),
        joined_at=NOW,
        joined_by=f"client:{sara.id}",
    )
    until = NOW + timedelta(minutes=10)
    times = {offered: day, uuid4(): day + timedelta(hours=2)}
    held = [
        OccupiedTime(
            id=id,
            therapist_id=ana.id,
            type=AppointmentType.SESSION,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=50),
            made_by=f"client:{sara.id}",
            made_at=NOW,
            expires_at=until,
            visitor="v_5c1e9b2d",
        )
        for id, starts_at in times.items()
    ]
    offer = WaitlistOfferRecord(
        id=offered,
        place_id=place.id,
        starts_at=day,
        ends_at=day + timedelta(minutes=50),
        made_at=NOW,
        expires_at=until,
    )
    closed = Closure(id=uuid4(), day=date(2026, 12, 25), name="Christmas; Day", made_by="admin:root", made_at=NOW)
    away = TimeOffPeriod(
        id=uuid4(),
        therapist_id=ana.id,
        starts_at=day + timedelta(days=1),
        ends_at=day + timedelta(days=4),
        reason="an operation",
    )
    await rows.add(place, *held, offer, closed, away)
    path = await _made(api)
    answer = await api.get(path)
    calendar: Any = Calendar.from_ical(answer.content)
    events = {str(event["SUMMARY"]): event for event in calendar.walk("VEVENT")}
    assert {name: str(event["STATUS"]) for name, event in events.items()} == {
        "Offered": "TENTATIVE",
        "Held": "TENTATIVE",
        "Away": "CONFIRMED",
        "Practice closed: Christmas; Day": "CONFIRMED",
    }
    christmas = events["Practice closed: Christmas; Day"]
    assert (christmas["DTSTART"].dt, christmas["DTEND"].dt) == (date(2026, 12, 25), date(2026, 12, 26))
    assert {event.get("X-MICROSOFT-CDO-BUSYSTATUS") for event in events.values()} == {"TENTATIVE", "OOF"}
    assert all("ORGANIZER" not in event and "ATTENDEE" not in event for event in events.values())
    text = b"\n".join(unfolded(answer.content)).decode()
    for word in ("Sara", sara.ref, str(sara.id), "operation", "v_5c1e9b2d", "client:"):
        assert word not in text, word
    clock.time = until  # what is held no longer is free again, without anybody's doing
    later: Any = Calendar.from_ical((await api.get(path)).content)
    assert {str(event["SUMMARY"]) for event in later.walk("VEVENT")} == set(events) - {"Offered", "Held"}


async def test_a_feed_says_since_when_it_is_so(api: httpx.AsyncClient, rows: Rows, clock: StandingClock) -> None:
    """To the second, and yet no two contents have the same time, however quickly they follow each other."""
    ana = await rows.therapist()
    booked = await rows.appointment(await _sara(rows, ana), ana)
    path = await _made(api)
    times = []
    for sequence in range(1, 4):
        first = await api.get(path)
        times.append(first.headers["last-modified"])
        known = {"If-Modified-Since": times[-1]}
        same = await api.get(path, headers=known)
        assert (same.status_code, same.content, same.headers["last-modified"]) == (304, b"", times[-1])
        assert (await api.get(path, headers=known | {"If-None-Match": '"other"'})).status_code == 200
        await rows.change(booked, sequence=sequence)  # in the same second
        assert (await api.get(path, headers=known)).status_code == 200
    assert len(set(times)) == 3
    for nonsense in (
        "yesterday",
        "",
        "Tue, 99 Foo 2026 14:30:00 GMT",
        "2026-12-08T14:30:00Z",
        f"Tue, 08 Dec {10**20} 14:30:00 GMT",
    ):
        assert (await api.get(path, headers={"If-Modified-Since": nonsense})).status_code == 200


# ---------------------------------------------------------------- the secret


@pytest.fixture
async def logging_url(app: FastAPI, caplog: pytest.LogCaptureFixture) -> AsyncIterator[str]:
    """The API on a server whose access log is switched on, with every line of any library kept."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, logger="uvicorn.access")
    async with serving(app, free_port(), access_log=True) as url:
        yield url


async def test_the_secret_reaches_no_log_and_no_number(
    api: httpx.AsyncClient,
    logging_url: str,
    rows: Rows,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await rows.therapist()
    path = await _made(api)
    secret = _secret(path)
    with structlog.testing.capture_logs() as events:
        async with httpx.AsyncClient(base_url=logging_url, trust_env=False) as there:
            asked = [
                (await there.get(path)).status_code,
                (await there.get(path, headers={"If-None-Match": "*"})).status_code,
                (await there.get(path.replace("/ana/", "/ben/"))).status_code,
                (await there.post(path)).status_code,
                (await there.get(path.removesuffix(".ics"))).status_code,
                (await there.get(path + "/")).status_code,
                (await there.get(path.replace("/feed/", "/f%65ed/"))).status_code,
            ]
            monkeypatch.setattr(calendar_files, "feed_by_secret", None)  # the next one breaks on our side
            asked.append((await there.get(path)).status_code)
    assert asked == [200, 304, 404, 405, 404, 404, 200, 500]
    lines = [record.getMessage() for record in caplog.records if record.name == "uvicorn.access"]
    assert len(lines) == len(asked)
    assert all("/feed/hidden " in line for line in lines)
    [broken] = events
    assert broken["route"] == "/v1/therapists/{slug}/feed/{secret}.ics"
    ours = [vars(record) for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    numbers = (await api.get("/metrics")).text
    assert 'route="/v1/therapists/{slug}/feed/{secret}.ics",status="200"' in numbers
    for told in (ours, events, *traceback.format_exception(broken["exc_info"]), numbers):
        assert secret not in str(told)


_CRASH = """
import sys
import structlog
from engine.logs import set_up_logs

def crash(secret):
    raise RuntimeError("broken")

set_up_logs(production=sys.argv[1] == "production")
try:
    crash("hun" + "ter2")
except RuntimeError as error:
    structlog.get_logger("api").error("request failed", exc_info=error)
"""


@pytest.mark.parametrize("environment", ["production", "development"])
def test_what_a_crash_leaves_in_the_log_has_no_values_in_it(environment: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", _CRASH, environment],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "RuntimeError: broken" in told.stdout
    assert "hunter2" not in told.stdout + told.stderr
