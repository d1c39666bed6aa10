"""Google and Outlook as sources of busy times: one list, held to both against their stand-ins."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.gateways.calendars.port import BusySpans, NotChanged, SourceFailed, SourceRefused, SourceUnavailable
from activities.gateways.calendars.sources import calendar_sources
from activities.gateways.outbound.door import Door
from rules.booking.calendar_vendors import REFRESH_TOKEN
from rules.booking.outside import Window
from rules.enums import CalendarKind, CalendarTrouble
from tests.gateways.calendars.connected import NOW, WINDOW, Connected, connected
from tests.sandbox.process import Sandbox

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BOTH = [CalendarKind.GOOGLE, CalendarKind.OUTLOOK]


@pytest.fixture(params=BOTH, ids=[kind.value for kind in BOTH])
async def calendar(request: pytest.FixtureRequest, sandbox: Sandbox) -> AsyncIterator[Connected]:
    connected_one = await connected(request.param, sandbox.url)
    yield connected_one
    await connected_one.at.orders()


def utc(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2030, month, day, hour, minute, tzinfo=UTC)


async def test_what_is_busy_and_nothing_else(calendar: Connected) -> None:
    at = calendar.at
    events: list[dict[str, Any]] = [
        {"shown": "busy"},
        {"shown": "tentative"},
        {"shown": "oof"},
        {"shown": "free"},
        {"shown": "elsewhere"},
        {"cancelled": True},
        {"declined": True},
    ]
    for hours, event in enumerate(events):
        starts = utc(3, 6, 10 + 2 * hours)
        await at.puts_in(starts=starts, ends=starts + HOUR, **event)
    assert await calendar.busy() == [(utc(3, 6, hour), utc(3, 6, hour + 1)) for hour in (10, 12, 14)]


async def test_no_title_comes_over_the_wire(calendar: Connected) -> None:
    await calendar.at.puts_in(title="Very private", starts=NOW, ends=NOW + HOUR)
    assert len(await calendar.busy()) == 1
    answers = (await calendar.at.state())["answers"]
    assert "Very private" not in str(answers)
    assert "subject" not in str(answers)


async def test_whole_days_are_of_the_calendars_zone_over_the_change_of_the_clocks(calendar: Connected) -> None:
    await calendar.at.puts_in(first_day="2030-03-09", last_day="2030-03-10", time_zone="America/New_York")
    # On the 10th the clocks go forward: the second day has 23 hours.
    assert await calendar.busy() == [(utc(3, 9, 5), utc(3, 11, 4))]


async def test_what_comes_every_week_keeps_its_local_time(calendar: Connected) -> None:
    first = utc(3, 5, 15)  # 10:00 in New York
    await calendar.at.puts_in(starts=first, ends=first + HOUR, weeks=3, time_zone="America/New_York")
    assert await calendar.busy() == [(one, one + HOUR) for one in (first, utc(3, 12, 14), utc(3, 19, 14))]


async def test_the_whole_window_is_read_page_by_page(calendar: Connected) -> None:
    for hour in range(24):
        starts = utc(3, 7, hour)
        await calendar.at.puts_in(starts=starts, ends=starts + timedelta(minutes=30), weeks=52)
    window = Window(starts_at=utc(3, 7), ends_at=utc(3, 7) + timedelta(days=364))
    found = await calendar.read(window=window)
    assert isinstance(found, BusySpans)
    assert len(found.spans) == 24 * 52
    assert len({(span.starts_at, span.event) for span in found.spans}) == 24 * 52


async def test_an_event_across_two_questions_is_one(calendar: Connected) -> None:
    """Google is asked for sixty days at a time."""
    border = WINDOW.starts_at + timedelta(days=60)
    await calendar.at.puts_in(starts=border - HOUR, ends=border + HOUR)
    assert await calendar.busy() == [(border - HOUR, border + HOUR)]


async def test_what_has_not_changed_is_told_so_and_what_has_gone_is_gone(calendar: Connected) -> None:
    event = await calendar.at.puts_in(starts=NOW, ends=NOW + HOUR)
    first = await calendar.read()
    assert isinstance(first, BusySpans)
    assert isinstance(await calendar.read(first.known), NotChanged)
    await calendar.at.takes_out(event)
    after = await calendar.read(first.known)
    assert isinstance(after, BusySpans)
    assert after.spans == ()


async def test_it_is_read_for_as_long_as_the_consent_stands(calendar: Connected) -> None:
    """Outlook's refresh token changes each time, and an old one ends once its successor is used."""
    seen = [calendar.access[REFRESH_TOKEN]]
    for _ in range(4):
        await calendar.read()
        seen.append(calendar.access[REFRESH_TOKEN])
    rotates = calendar.vendor.kind is CalendarKind.OUTLOOK
    assert len(set(seen)) == (5 if rotates else 1)


async def test_a_consent_that_was_withdrawn_has_to_be_given_again(calendar: Connected) -> None:
    await calendar.at.withdraws()
    assert (await refused(calendar)).trouble is CalendarTrouble.NOT_CONNECTED


async def test_without_any_consent_the_vendor_is_not_asked(calendar: Connected) -> None:
    calendar.access = {}
    before = len((await calendar.at.state())["answers"])
    assert (await refused(calendar)).trouble is CalendarTrouble.NOT_CONNECTED
    assert len((await calendar.at.state())["answers"]) == before


@pytest.mark.parametrize(
    ("call", "kind", "trouble"),
    [
        ("token", "error", CalendarTrouble.AWAY),
        ("token", "rate_limited", CalendarTrouble.AWAY),
        ("token", "nonsense", CalendarTrouble.AWAY),
        ("token", "hang_up", CalendarTrouble.AWAY),
        ("token", "invalid_grant", CalendarTrouble.NOT_CONNECTED),
        ("read", "error", CalendarTrouble.AWAY),
        ("read", "rate_limited", CalendarTrouble.AWAY),
        ("read", "quota", CalendarTrouble.AWAY),
        ("read", "nonsense", CalendarTrouble.AWAY),
        ("read", "hang_up", CalendarTrouble.AWAY),
        ("read", "unauthorized", CalendarTrouble.NOT_CONNECTED),
    ],
)
async def test_what_goes_wrong_has_a_name_and_passes(
    calendar: Connected, call: str, kind: str, trouble: CalendarTrouble
) -> None:
    await calendar.at.puts_in(starts=NOW, ends=NOW + HOUR)
    await calendar.at.orders({"call": call, "kind": kind})
    with pytest.raises(SourceFailed) as failed:
        await calendar.read()
    assert failed.value.trouble is trouble
    kind_of_failure = SourceUnavailable if trouble is CalendarTrouble.AWAY else SourceRefused
    assert isinstance(failed.value, kind_of_failure)
    assert await calendar.busy() == [(NOW, NOW + HOUR)]


async def test_a_wrong_secret_of_ours_is_not_the_therapists_matter(calendar: Connected) -> None:
    wrong = replace(calendar.vendor, client_secret="another")
    calendar.source = calendar_sources(Door(private=True), [wrong])[wrong.kind]
    with pytest.raises(SourceUnavailable):
        await calendar.read()


async def test_tokens_are_neither_printed_nor_logged_nor_in_a_message(
    calendar: Connected, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = str(calendar.access[REFRESH_TOKEN])
    await calendar.at.orders({"call": "read", "kind": "unauthorized"})
    problem = await refused(calendar)
    found = await calendar.read()
    shown = f"{caplog.text} {problem!r} {problem.__cause__!r} {found!r} {calendar.vendor!r}"
    assert secret not in shown
    assert "-access-" not in shown
    assert calendar.vendor.client_secret not in shown


async def refused(calendar: Connected) -> SourceRefused:
    with pytest.raises(SourceRefused) as failure:
        await calendar.read()
    return failure.value
