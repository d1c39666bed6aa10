"""Calendars read where they are kept: as a file, and by CalDAV; within bounds, and never where nobody is called."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from activities.gateways.calendars import parsing
from activities.gateways.calendars.caldav import CaldavSource
from activities.gateways.calendars.ics import IcsSource
from activities.gateways.calendars.port import (
    BusySpans,
    CalendarAccount,
    NotChanged,
    SourceFailed,
    SourceRefused,
    SourceUnavailable,
)
from activities.gateways.outbound.door import Door
from rules.enums import CalendarKind, CalendarTrouble
from tests.calendars.outside.test_broken_files import event
from tests.calendars.outside.test_files import FILES, WINDOW, told
from tests.care.served import served
from tests.gateways.calendars.caldav_server import FASTMAIL, ICLOUD, NEXTCLOUD, CaldavServer, Dialect, Kept

WEEKLY = (FILES / "outlook-weekly.ics").read_bytes()
ONE = event("UID:1", "DTSTART:20261101T100000Z", "DTEND:20261101T110000Z", "SUMMARY:Private")
OPEN, CLOSED = Door(private=True), Door(private=False)


def account(kind: CalendarKind = CalendarKind.ICS, **access: str) -> CalendarAccount:
    return CalendarAccount(id="1", kind=kind, access=access, time_zone="Europe/Berlin", owner="ana@practice.example")


class Files:
    """A web server with one file; ``says`` is its answer where it has another."""

    def __init__(self) -> None:
        self.file, self.etag = ONE, '"1"'
        self.says: Response | None = None
        self.asked: list[dict[str, str]] = []
        self.app = FastAPI(routes=[Route("/cal.ics", self._get), Route("/moved", self._moved)])

    async def _get(self, request: Request) -> Response:
        self.asked.append(dict(request.headers))
        if self.says is not None:
            return self.says
        if request.headers.get("if-none-match") == self.etag:
            return Response(status_code=304)
        return Response(self.file, media_type="text/calendar", headers={"ETag": self.etag})

    async def _moved(self, request: Request) -> Response:
        return RedirectResponse("/cal.ics")


@pytest.fixture
async def files() -> AsyncIterator[tuple[Files, str]]:
    found = Files()
    async with served(found.app) as url:
        yield found, url


async def spans_of(found: NotChanged | BusySpans) -> list[str]:
    assert isinstance(found, BusySpans)
    return [told(span) for span in sorted(found.spans)]


async def test_a_file_is_read_and_asked_for_again_by_its_etag(files: tuple[Files, str]) -> None:
    server, url = files
    source, of = IcsSource(OPEN), account(address=f"{url}/moved")
    first = await source.read(of, WINDOW, None)
    assert await spans_of(first) == ["2026-11-01T10:00:00Z 2026-11-01T11:00:00Z"]
    assert isinstance(first, BusySpans)
    assert isinstance(await source.read(of, WINDOW, first.known), NotChanged)
    server.etag = '"2"'  # as of one that is written anew whenever it is asked for
    server.file = ONE.replace(b"UID:1", b"DTSTAMP:20261030T101112Z\r\nUID:1")
    assert isinstance(await source.read(of, WINDOW, first.known), NotChanged)
    server.file = WEEKLY
    assert len(await spans_of(await source.read(of, WINDOW, first.known))) == 31


@pytest.mark.parametrize(
    ("answer", "trouble", "passes"),
    [
        (Response("gone", 404), CalendarTrouble.NOT_FOUND, False),
        (Response("no", 403), CalendarTrouble.NOT_ALLOWED, False),
        (Response("later", 503), CalendarTrouble.AWAY, True),
        (Response("slow down", 429), CalendarTrouble.AWAY, True),
        (Response("<html>Sign in</html>", 200), CalendarTrouble.NOT_A_CALENDAR, False),
        (Response(b"x" * 6_000_000, 200), CalendarTrouble.TOO_LARGE, False),
        (Response(event("DTSTART:20261101T100000Z", "RRULE:FREQ=SECONDLY"), 200), CalendarTrouble.TOO_LARGE, False),
        (Response(status_code=304), CalendarTrouble.AWAY, True),
    ],
)
async def test_what_is_no_answer_is_refused_by_name(
    files: tuple[Files, str], answer: Response, trouble: CalendarTrouble, passes: bool
) -> None:
    server, url = files
    server.says = answer
    with pytest.raises(SourceUnavailable if passes else SourceRefused) as refused:
        await IcsSource(OPEN).read(account(address=f"{url}/cal.ics"), WINDOW, None)
    assert refused.value.trouble is trouble


async def test_an_etag_that_cannot_be_sent_back_is_forgotten(files: tuple[Files, str]) -> None:
    server, url = files
    server.etag = '"t\xe9rapie.ics"'
    source, of = IcsSource(OPEN), account(address=f"{url}/cal.ics")
    first = await source.read(of, WINDOW, None)
    assert isinstance(first, BusySpans)
    assert isinstance(await source.read(of, WINDOW, first.known), NotChanged)
    assert "if-none-match" not in server.asked[-1]


async def test_a_file_that_takes_too_long_to_read_is_given_up() -> None:
    with pytest.raises(SourceRefused) as refused:
        await parsing.busy_in_file(WEEKLY, WINDOW, account(), seconds=0.01)
    assert refused.value.trouble is CalendarTrouble.TOO_SLOW


@pytest.mark.parametrize("address", ["http://calendar.example/a.ics", "https://127.0.0.1/a.ics", "https://[::1]/a.ics"])
async def test_nobody_is_called_where_it_must_not_lead(address: str) -> None:
    for source, of in (
        (IcsSource(CLOSED), account(address=address)),
        (CaldavSource(CLOSED), account(CalendarKind.CALDAV, address=address, user="ana", password="secret")),
    ):
        with pytest.raises(SourceRefused) as refused:
            await source.read(of, WINDOW, None)
        assert refused.value.trouble is CalendarTrouble.ADDRESS_REFUSED


@pytest.mark.parametrize("dialect", [NEXTCLOUD, ICLOUD, FASTMAIL], ids=["nextcloud", "icloud", "fastmail"])
async def test_an_account_is_read_by_caldav(dialect: Dialect) -> None:
    server = CaldavServer(dialect)
    server.calendars["personal"].files = [ONE.decode(), WEEKLY.decode()]
    server.calendars |= {
        "work": Kept(files=[event("UID:9", "DTSTART:20261102T100000Z", "DURATION:PT1H").decode()]),
        "tasks": Kept(holds="VTODO"),
        "birthdays": Kept(files=[ONE.decode().replace("T10", "T05")], counts=False),
    }
    async with served(server.app) as url:
        of = account(CalendarKind.CALDAV, address=f"{url}{dialect.root}", user="ana", password="secret")
        first = await CaldavSource(OPEN).read(of, WINDOW, None)
        found = await spans_of(first)
        assert len(found) == 33
        assert {"2026-11-01T10:00:00Z 2026-11-01T11:00:00Z", "2026-11-02T10:00:00Z 2026-11-02T11:00:00Z"} <= set(found)
        assert isinstance(first, BusySpans)
        reports = [path for method, path in server.asked if method == "REPORT"]
        assert len(reports) == 2
        assert isinstance(await CaldavSource(OPEN).read(of, WINDOW, first.known), NotChanged)
        server.calendars["work"].tag = "2"
        assert isinstance(await CaldavSource(OPEN).read(of, WINDOW, first.known), BusySpans)
        one = account(CalendarKind.CALDAV, address=f"{url}{dialect.home}work/", user="ana", password="secret")
        assert len(await spans_of(await CaldavSource(OPEN).read(one, WINDOW, None))) == 1


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (Response("<html><body>Welcome</body></html>", 200), CalendarTrouble.NOT_A_CALENDAR),
        (Response("Welcome", 200), CalendarTrouble.NOT_A_CALENDAR),
        (Response("", 404), CalendarTrouble.NOT_FOUND),
        (Response("", 500), CalendarTrouble.AWAY),
        (Response("<d:multistatus", 207, media_type="application/xml"), CalendarTrouble.NOT_A_CALENDAR),
    ],
)
async def test_what_is_no_caldav_is_refused_by_name(answer: Response, trouble: CalendarTrouble) -> None:
    server = CaldavServer()
    server.answers = answer
    async with served(server.app) as url:
        of = account(CalendarKind.CALDAV, address=url, user="ana", password="secret")
        with pytest.raises(SourceFailed) as refused:
            await CaldavSource(OPEN).read(of, WINDOW, None)
    assert refused.value.trouble is trouble


async def test_a_wrong_password_is_told() -> None:
    async with served(CaldavServer().app) as url:
        of = account(CalendarKind.CALDAV, address=url, user="ana", password="wrong")
        with pytest.raises(SourceRefused) as refused:
            await CaldavSource(OPEN).read(of, WINDOW, None)
    assert refused.value.trouble is CalendarTrouble.NOT_ALLOWED


def test_nothing_secret_is_printed() -> None:
    of: Any = account(address="https://calendar.example/private-1234/basic.ics")
    assert "private-1234" not in repr(of)
    assert datetime(2026, 9, 1, tzinfo=UTC) == WINDOW.starts_at
