"""OutsideCalendar run after run: it neither stops reading nor reads without a pause."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from temporalio.api.enums.v1 import EventType

from rules.policy import SHORTEST_HISTORY, JourneyPolicy
from tests.care.house import open_house
from tests.care.outside.elsewhere import CalendarFile
from tests.care.served import served
from tests.care.story import Care
from tests.replay.record import runs_of
from workflows.messages import calendar_id

INTERVAL = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@pytest.fixture
async def hasty(database_url: str) -> AsyncIterator[Care]:
    """In real time: a look each second, and a new run every few steps."""
    rules = JourneyPolicy(history_limit=SHORTEST_HISTORY, calendar_interval=INTERVAL)
    async with (
        open_house(database_url, rules, real_time=True) as house,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        yield Care(house, http)


async def test_run_after_run_it_goes_on_reading_and_waits_between(hasty: Care) -> None:
    calendar = CalendarFile()
    async with served(calendar.app) as url, asyncio.timeout(90):
        calendar.url = f"{url}/private-4f0c/basic.ics"
        await hasty.therapist("ana")
        path = "/v1/therapists/ana/calendars"
        added = await hasty.post(path, {"kind": "ics", "address": calendar.url}, by="ana")
        handle = hasty.house.engine.get_workflow_handle(calendar_id(added["id"]))
        while len(await runs_of(handle)) < 3:
            await asyncio.sleep(0.5)
        starts_at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + 48 * HOUR
        calendar.events = [(starts_at, starts_at + HOUR)]
        while [one["busy_times"] for one in await hasty.items(path, by="ana")] != [1]:
            await asyncio.sleep(0.2)
        for run in (await runs_of(handle))[:-1]:
            kinds = [event.event_type for event in run.events]
            assert kinds[-1] == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW
            assert EventType.EVENT_TYPE_TIMER_FIRED in kinds
        await hasty.call("DELETE", f"{path}/{added['id']}", by="ana", expect=204)
        await handle.result()
