"""Google's channels against the stand-in: opened, stopped, renewed; and what becomes of a refusal."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from activities.booking.outside.channels import Before, renewed
from activities.gateways.calendars.google_channels import GoogleChannels
from activities.gateways.calendars.port import CalendarAccount, Channel, SourceRefused, SourceUnavailable
from activities.gateways.calendars.sources import calendar_channels
from activities.gateways.outbound.door import Door
from rules.enums import CalendarKind
from tests.care.outside.calendar_vendors import outlook_at
from tests.gateways.calendars.connected import NOW, ZONE, Connected, connected
from tests.sandbox.process import Sandbox

ADDRESS = "http://127.0.0.1:9/v1/calendar-pushes"  # nobody is there


class Watching:
    def __init__(self, calendar: Connected) -> None:
        self.calendar = calendar
        self.channels = GoogleChannels(calendar.vendor, Door(private=True), address=ADDRESS)
        self.account = CalendarAccount(
            id=str(uuid4()), kind=CalendarKind.GOOGLE, access=calendar.access, time_zone=ZONE
        )

    async def standing(self) -> dict[str, Any]:
        """Those at Google that were not stopped, by their id."""
        found = (await self.calendar.at.state())["channels"]
        mine = [row for row in found if row["account"] == self.calendar.at.account]
        return {row["id"]: row for row in mine if not row["stopped"]}

    async def opens(self) -> Channel:
        return await self.channels.open(self.account, id=uuid4(), token="secret")


@pytest.fixture
async def watching(sandbox: Sandbox) -> Watching:
    calendar = await connected(CalendarKind.GOOGLE, sandbox.url)
    await calendar.at.orders()
    return Watching(calendar)


async def test_a_channel_is_opened_for_a_week_and_stopped(watching: Watching) -> None:
    channel = await watching.opens()
    row = (await watching.standing())[str(channel.id)]
    assert (row["address"], row["token"]) == (ADDRESS, "secret")
    assert abs(row["until"] - channel.until.timestamp()) < 0.01
    await watching.channels.stop(watching.account, id=channel.id, resource=channel.resource)
    assert await watching.standing() == {}
    with pytest.raises(SourceRefused):
        await watching.channels.stop(watching.account, id=channel.id, resource=channel.resource)


async def test_one_that_ends_soon_is_replaced_and_stopped(watching: Watching) -> None:
    first = await watching.opens()
    before = Before(id=first.id, resource=first.resource, until=first.until)
    early = first.until - timedelta(days=1)
    assert await renewed(watching.channels, watching.account, before, look=1, now=early) is None
    second = await renewed(watching.channels, watching.account, before, look=2, now=early + timedelta(seconds=1))
    assert second is not None
    assert second.token != first.token
    assert set(await watching.standing()) == {str(second.id)}


async def test_a_channel_that_cannot_be_stopped_holds_up_none(watching: Watching) -> None:
    first = await watching.opens()
    await watching.calendar.at.orders({"call": "stop", "kind": "error"})
    before = Before(id=first.id, resource=first.resource, until=first.until)
    second = await renewed(watching.channels, watching.account, before, look=2, now=first.until)
    assert second is not None
    assert set(await watching.standing()) == {str(first.id), str(second.id)}


@pytest.mark.parametrize("kind", ["error", "rate_limited", "unauthorized", "nonsense"])
async def test_what_google_refuses_is_no_channel(watching: Watching, kind: str) -> None:
    await watching.calendar.at.orders({"call": "watch", "kind": kind})
    assert await renewed(watching.channels, watching.account, None, look=1, now=NOW) is None
    assert await watching.standing() == {}


async def test_an_answer_without_an_end_is_no_channel(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    id = UUID(int=7)

    async def ask(*_: object, **__: object) -> dict[str, Any]:
        return {"id": str(id), "resourceId": "r", "expiration": "soon"}

    monkeypatch.setattr("activities.gateways.calendars.vendor.VendorDesk.ask", ask)
    with pytest.raises(SourceUnavailable):
        await watching.channels.open(watching.account, id=id, token="secret")


async def test_there_are_channels_at_google_where_the_api_is_reached(sandbox: Sandbox, watching: Watching) -> None:
    door, vendors = Door(private=True), [watching.calendar.vendor, outlook_at(sandbox.url)]
    assert set(calendar_channels(door, vendors, api_url="https://api.practice.example")) == {CalendarKind.GOOGLE}
    assert calendar_channels(door, vendors, api_url=None) == {}
