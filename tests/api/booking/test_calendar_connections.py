"""Connecting a calendar at a vendor: the way there, the consent, the way back, and what nobody can make of it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from models.tables.booking.outside_calendar import OutsideCalendarRow
from models.writes.booking.connected_calendars import connect_calendar
from models.writes.booking.outside import end_calendar
from rules.booking.calendar_vendors import REFRESH_TOKEN, by_kind
from rules.enums import CalendarKind
from tests.api.callers import Callers
from tests.api.conftest import SETTINGS, StandingClock, ToldEngine, fields_of, problem_of
from tests.care.outside.calendar_vendors import AtVendor, google_at, outlook_at
from tests.care.rows import NOW, Rows
from tests.sandbox.process import Sandbox, running_sandbox
from workflows.messages import LOOK_AGAIN

PAGE = f"{SETTINGS.staff_url}/calendars/connected"
BOTH = [CalendarKind.GOOGLE, CalendarKind.OUTLOOK]
Json = dict[str, Any]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


@dataclass(kw_only=True)
class Connecting:
    """Ana, who connects a calendar of this kind."""

    kind: CalendarKind
    api: httpx.AsyncClient
    people: Callers
    rows: Rows
    at: AtVendor
    real: StandingClock

    async def adds(self, slug: str = "ana", **more: Any) -> httpx.Response:
        path, body = f"/v1/therapists/{slug}/calendars", {"kind": self.kind.value, **more}
        return await self.api.post(path, json=body, headers=self.people.by(slug))

    async def waiting(self, slug: str = "ana") -> UUID:
        """A calendar of theirs that waits for a consent."""
        answer = await self.adds(slug)
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["id"])

    async def connected(self) -> UUID:
        """One of Ana's to which she has consented."""
        id = await self.waiting()
        done = await self.comes_back(await self.at.answers(await self.url(id)))
        assert done.status_code == 200, done.text
        return id

    async def removes(self, id: UUID) -> httpx.Response:
        return await self.api.delete(f"/v1/therapists/ana/calendars/{id}", headers=self.people.by("ana"))

    async def listed(self) -> list[Json]:
        answer = await self.api.get("/v1/therapists/ana/calendars", headers=self.people.by("ana"))
        items: list[Json] = answer.json()["items"]
        return items

    async def begins(self, id: UUID, who: str = "ana", **body: Any) -> httpx.Response:
        slug = "ben" if who == "ben" else "ana"
        path = f"/v1/therapists/{slug}/calendars/{id}/connect"
        return await self.api.post(path, json=body, headers=self.people.by(who))

    async def url(self, id: UUID, who: str = "ana") -> str:
        answer = await self.begins(id, who)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["connect_url"])

    async def comes_back(self, back: Json, who: str = "ana") -> httpx.Response:
        said = {name: back[name] for name in ("state", "code") if name in back}
        return await self.api.post("/v1/calendar-connections", json=said, headers=self.people.by(who))

    async def row(self, id: UUID) -> OutsideCalendarRow | None:
        async with self.rows.sessions() as session:
            return await session.get(OutsideCalendarRow, id)

    async def has_access(self, id: UUID) -> bool:
        row = await self.row(id)
        assert row is not None
        return REFRESH_TOKEN in row.access


@pytest.fixture(params=BOTH, ids=[kind.value for kind in BOTH])
async def connecting(
    request: pytest.FixtureRequest,
    app: FastAPI,
    *,
    api: httpx.AsyncClient,
    people: Callers,
    rows: Rows,
    engine: ToldEngine,
    sandbox: Sandbox,
) -> AsyncIterator[Connecting]:
    real = StandingClock()
    real.time = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)  # years from where the product's clock stands
    engine.answers_to[LOOK_AGAIN] = None
    services = app.state.services
    vendors = by_kind(google_at(sandbox.url), outlook_at(sandbox.url))
    settings = replace(services.settings, calendar_vendors=vendors)
    app.state.services = replace(services, settings=settings, real_clock=real)
    at = AtVendor(url=f"{sandbox.url}/{request.param.value}", account=f"{uuid4().hex}@vendor.example")
    yield Connecting(kind=request.param, api=api, people=people, rows=rows, at=at, real=real)
    await at.orders()
    app.state.services = services


async def test_a_therapist_connects_a_calendar(connecting: Connecting, engine: ToldEngine) -> None:
    id = await connecting.waiting()
    back = await connecting.at.answers(await connecting.url(id))
    answer = await connecting.comes_back(back)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"id": str(id), "kind": connecting.kind.value, "therapist": "ana"}
    assert await connecting.has_access(id)
    assert await connecting.at.consents() == 1
    woken = (f"calendar:{id}", LOOK_AGAIN)
    assert [(one.workflow_id, one.name) for one in engine.asked] == [woken, woken]  # added, and connected


async def test_the_answer_to_adding_one_has_the_way_to_the_vendor(connecting: Connecting) -> None:
    added = (await connecting.adds(label="At work")).json()
    assert (added["state"], added["trouble"], added["label"]) == ("waiting", "not_connected", "At work")
    back = await connecting.at.answers(added["connect_url"])
    assert (await connecting.comes_back(back)).status_code == 200
    [now] = await connecting.listed()
    assert (now["id"], now["state"], now["trouble"]) == (added["id"], "new", None)


async def test_what_needs_no_consent_has_no_way_to_a_vendor(connecting: Connecting) -> None:
    headers, path = connecting.people.by("ana"), "/v1/therapists/ana/calendars"
    body = {"kind": "ics", "address": "https://cal.example/a.ics"}
    added = (await connecting.api.post(path, json=body, headers=headers)).json()
    assert (added["connect_url"], added["connect_by"]) == (None, None)
    no_place = await connecting.api.post(path, json=body | {"return_to": PAGE}, headers=headers)
    assert fields_of(no_place) == ["return_to"]
    assert fields_of(await connecting.begins(UUID(added["id"]))) == ["calendar_id"]
    assert fields_of(await connecting.adds(address="https://cal.example/a.ics")) == ["address"]


async def test_removing_it_gives_the_consent_back_and_forgets_it(connecting: Connecting) -> None:
    """At Microsoft no program can give one back: there the person ends it, as the page says."""
    id = await connecting.connected()
    assert (await connecting.removes(id)).status_code == 204
    assert await connecting.at.consents() == (0 if connecting.kind is CalendarKind.GOOGLE else 1)
    row = await connecting.row(id)
    assert row is not None
    assert row.access == {}
    assert await connecting.listed() == []


@pytest.mark.parametrize("kind", ["error", "hang_up"])
async def test_removing_does_not_wait_for_a_vendor_that_is_away(connecting: Connecting, kind: str) -> None:
    id = await connecting.connected()
    await connecting.at.orders({"call": "revoke", "kind": kind})
    assert (await connecting.removes(id)).status_code == 204
    assert await connecting.listed() == []


async def test_the_way_there_asks_for_times_alone_and_is_bound(connecting: Connecting) -> None:
    url = httpx.URL(await connecting.url(await connecting.waiting()))
    asked = dict(url.params)
    wanted = {
        CalendarKind.GOOGLE: "https://www.googleapis.com/auth/calendar.events.freebusy",
        CalendarKind.OUTLOOK: "offline_access https://graph.microsoft.com/Calendars.ReadBasic",
    }
    assert asked["scope"] == wanted[connecting.kind]
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == PAGE
    assert "secret" not in str(url)


async def test_a_consent_counts_once_also_of_many_at_once(connecting: Connecting) -> None:
    id = await connecting.waiting()
    back = await connecting.at.answers(await connecting.url(id))
    answers = await asyncio.gather(*(connecting.comes_back(back) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 410, 410, 410, 410]
    assert problem_of(await connecting.comes_back(back)) == "link-invalid"


async def test_a_forged_state_opens_nothing_and_uses_nothing_up(connecting: Connecting) -> None:
    id = await connecting.waiting()
    back = await connecting.at.answers(await connecting.url(id))
    assert problem_of(await connecting.comes_back(back | {"state": "f" * 43})) == "link-invalid"
    assert not await connecting.has_access(id)
    assert (await connecting.comes_back(back)).status_code == 200


@pytest.mark.parametrize("who", ["ben", "admin"])
async def test_somebody_elses_consent_does_not_come_into_ones_own_calendar(connecting: Connecting, who: str) -> None:
    """Ana sends her link to somebody, who consents to it: what comes back in their browser fits no sign-in there."""
    id = await connecting.waiting()
    back = await connecting.at.answers(await connecting.url(id))
    assert problem_of(await connecting.comes_back(back, who)) == "link-invalid"
    assert not await connecting.has_access(id)


async def test_nobody_else_begins_it(connecting: Connecting) -> None:
    id = await connecting.waiting()
    path = f"/v1/therapists/ana/calendars/{id}/connect"
    for who, status in (("ben", 403), ("desk", 403), ("sara", 403), ("site", 403)):
        answer = await connecting.api.post(path, json={}, headers=connecting.people.by(who))
        assert answer.status_code == status, (who, answer.text)
    of_ben = await connecting.waiting("ben")
    assert problem_of(await connecting.begins(of_ben)) == "not-found"


async def test_what_was_begun_ends_after_half_an_hour_of_the_worlds_time(connecting: Connecting) -> None:
    id = await connecting.waiting()
    back = await connecting.at.answers(await connecting.url(id))
    connecting.real.advance(minutes=31)
    assert problem_of(await connecting.comes_back(back)) == "link-invalid"
    assert not await connecting.has_access(id)


async def test_beginning_again_ends_what_was_begun_before(connecting: Connecting) -> None:
    id = await connecting.waiting()
    first = await connecting.at.answers(await connecting.url(id))
    second = await connecting.at.answers(await connecting.url(id))
    assert problem_of(await connecting.comes_back(first)) == "link-invalid"
    assert (await connecting.comes_back(second)).status_code == 200


async def test_a_code_of_another_browser_fits_no_verifier(connecting: Connecting) -> None:
    one, two = await connecting.waiting(), await connecting.waiting()
    first = await connecting.at.answers(await connecting.url(one))
    second = await connecting.at.answers(await connecting.url(two))
    assert problem_of(await connecting.comes_back(second | {"code": first["code"]})) == "link-invalid"
    assert not await connecting.has_access(two)


async def test_a_consent_without_the_calendar_connects_nothing(connecting: Connecting) -> None:
    id = await connecting.waiting()
    back = await connecting.at.answers(await connecting.url(id), "allow_nothing")
    refused = await connecting.comes_back(back)
    assert problem_of(refused) == "link-invalid"
    assert "when you are busy" in refused.json()["detail"]
    assert not await connecting.has_access(id)


async def test_who_refuses_comes_back_without_a_code(connecting: Connecting) -> None:
    id = await connecting.waiting()
    back = await connecting.at.answers(await connecting.url(id), "deny")
    assert back["error"] == "access_denied"
    assert fields_of(await connecting.comes_back(back)) == ["code"]
    assert not await connecting.has_access(id)


@pytest.mark.parametrize("kind", ["error", "rate_limited", "nonsense"])
async def test_a_vendor_that_is_away_uses_nothing_up(connecting: Connecting, kind: str) -> None:
    id = await connecting.waiting()
    back = await connecting.at.answers(await connecting.url(id))
    await connecting.at.orders({"call": "token", "kind": kind})
    assert problem_of(await connecting.comes_back(back)) == "engine-unavailable"
    assert not await connecting.has_access(id)
    assert (await connecting.comes_back(back)).status_code == 200
    assert await connecting.has_access(id)


async def test_a_lost_answer_of_the_vendor_is_begun_again(connecting: Connecting) -> None:
    id = await connecting.waiting()
    back = await connecting.at.answers(await connecting.url(id))
    await connecting.at.orders({"call": "token", "kind": "hang_up"})
    assert problem_of(await connecting.comes_back(back)) == "engine-unavailable"
    assert problem_of(await connecting.comes_back(back)) == "link-invalid"  # the code was used
    again = await connecting.at.answers(await connecting.url(id))
    assert (await connecting.comes_back(again)).status_code == 200


async def test_a_calendar_that_is_taken_away_meanwhile_gives_its_consent_back(connecting: Connecting) -> None:
    id = await connecting.waiting()
    back = await connecting.at.answers(await connecting.url(id))
    async with connecting.rows.sessions() as session:
        await end_calendar(session, await session.get_one(OutsideCalendarRow, id), at=NOW)
        await session.commit()
    assert problem_of(await connecting.comes_back(back)) == "link-invalid"
    can_be_given_back = connecting.kind is CalendarKind.GOOGLE
    assert await connecting.at.consents() == (0 if can_be_given_back else 1)
    row = await connecting.row(id)
    assert row is not None
    assert row.access == {}


@pytest.mark.parametrize(
    "return_to",
    ["https://evil.example/", f"{SETTINGS.staff_url}.evil.example/x", "//evil.example", f"{SETTINGS.staff_url}/../x"],
)
async def test_the_browser_comes_back_to_the_practices_pages_alone(connecting: Connecting, return_to: str) -> None:
    id = await connecting.waiting()
    assert fields_of(await connecting.begins(id, return_to=return_to)) == ["return_to"]


async def test_where_the_practice_is_not_registered_it_says_so(connecting: Connecting, app: FastAPI) -> None:
    id = await connecting.waiting()
    services = app.state.services
    app.state.services = replace(services, settings=replace(services.settings, calendar_vendors={}))
    assert fields_of(await connecting.begins(id)) == ["kind"]


async def test_no_secret_is_kept_in_the_clear_answered_or_logged(
    connecting: Connecting, rows: Rows, engine: ToldEngine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    id = await connecting.waiting()
    begun = await connecting.begins(id)
    back = await connecting.at.answers(begun.json()["connect_url"])
    done = await connecting.comes_back(back)
    row = await connecting.row(id)
    assert row is not None
    token = row.access[REFRESH_TOKEN]
    kept = str(await rows.snapshot("outside_calendar", "calendar_consent", "idempotency_key", "access_line"))
    said = f"{begun.text} {done.text} {engine.asked}"
    # The libraries' own lines tell of the browser, too, which is in this process here.
    ours = "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))
    )
    assert [place for place in (kept, said, ours) if token in place] == []
    assert [place for place in (kept, done.text, ours) if back["code"] in place or back["state"] in place] == []


async def test_a_calendar_that_is_connected_while_it_is_taken_away_keeps_nothing(connecting: Connecting) -> None:
    id = await connecting.waiting()
    async with connecting.rows.sessions() as session:
        assert await connect_calendar(session, id, {REFRESH_TOKEN: "of the moment"})
        removed = asyncio.create_task(connecting.removes(id))
        await asyncio.wait([removed], timeout=0.5)  # it has seen the calendar, and waits for this one's end
        await session.commit()
    assert (await removed).status_code == 204
    assert not await connecting.has_access(id)
