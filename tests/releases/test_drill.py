"""The upgrade drill: a next release is rolled out over this one, back, and out again, one program at a time, while
journeys are under way and requests go on. Nothing is lost, and nobody is answered 5xx."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from local.stack import LocalStack, Ports
from tests.care.defaults import NO_LIMITS
from tests.releases.drill import CALLERS, Drill
from tests.releases.trees import the_two
from tests.stack.practice import until_paid

ENV = {"POLICY__CHARGE_AFTER": "PT5S"} | {f"POLICY__{name.upper()}": str(limit) for name, limit in NO_LIMITS.items()}


@asynccontextmanager
async def under_way(before: Path, *, workers: int, env: Mapping[str, str] | None = None) -> AsyncIterator[Drill]:
    """A practice with clients in every stage and requests that go on; afterwards nobody was answered 5xx, and nothing
    is lost."""
    async with (
        await LocalStack.start(
            ports=Ports.free(), env={**ENV, **(env or {})}, workers=workers, seed=False, tree=before
        ) as stack,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        drill = Drill(stack, http, await Client.connect(stack.temporal_address))
        if env:
            await drill.makes_current(env["WORKER_BUILD_ID"])
        people = await drill.people()
        asking = [asyncio.create_task(drill.keeps_asking(people[f"Busy{number}"])) for number in range(CALLERS)]
        try:
            yield drill
        finally:
            drill.stop.set()
            asked = await asyncio.gather(*asking, return_exceptions=True)
        assert drill.faults == []
        assert [error for error in asked if error is not None] == []
        assert set(drill.answers) <= {200, 201, 204}, drill.answers
        await _nothing_is_lost(drill)


@pytest.mark.timeout(1800)
async def test_a_release_is_rolled_out_and_back_under_running_journeys(tmp_path: Path) -> None:
    before, after = await asyncio.to_thread(the_two, tmp_path)
    async with under_way(before, workers=2) as drill:
        await _out_and_back(drill, before, after)


@pytest.mark.timeout(900)
async def test_versioned_workers_of_both_releases_take_turns(tmp_path: Path) -> None:
    """The workers of the release before stay until nobody will go back: the way back is one command."""
    before, after = await asyncio.to_thread(the_two, tmp_path)
    build = {"WORKER_DEPLOYMENT": "drill", "WORKER_BUILD_ID": "before"}
    async with under_way(before, workers=1, env=build) as drill:
        [old] = drill.workers
        await drill.stack.migrate(tree=after)
        await drill.stack.add_worker(
            tree=after, env=build | {"WORKER_BUILD_ID": "after", "WORKER_HOLDS_PATCHES": "yes"}
        )
        for number, current in enumerate(("after", "before", "after")):
            await drill.makes_current(current)
            await drill.marks_one(drill.held[number])
        await drill.stops(old)
        await drill.marks_one(drill.held[3])


async def _out_and_back(drill: Drill, before: Path, after: Path) -> None:
    made_up = not os.environ.get("BEFORE")
    assert await drill.schema() == (True, "ok")
    await drill.stack.migrate(tree=after)
    assert await drill.schema() == (True, "newer" if made_up else "ok")
    await drill.replaces_workers(after, holds=True)
    await drill.marks_one(drill.held[0])
    await drill.replaces_server(after)
    assert await drill.schema() == (True, "ok")
    assert await drill.begun() == 0, "patches are held"

    # Back, as long as nothing has begun a patch: nothing else is to be done. Migrating again changes nothing.
    await drill.replaces_server(before)
    await drill.replaces_workers(before)
    await drill.stack.migrate(tree=before)
    assert await drill.schema() == (True, "newer" if made_up else "ok")
    await drill.marks_one(drill.held[1])

    # Out again, and for good.
    await drill.replaces_workers(after, holds=True)
    await drill.replaces_server(after)
    await drill.marks_one(drill.held[2])
    await drill.replaces_workers(after)
    await drill.marks_one(drill.held[3])
    if not made_up:
        return

    # A run that asked while patches were held has its answer, and goes the old way to its end. Others begin it.
    await drill.one_more_comes()

    async def some_have_begun() -> bool:
        return await drill.begun() > 0

    await drill.sees(some_have_begun)
    # And back even so: what old workers cannot follow is started again from its rows.
    await drill.replaces_server(before)
    await drill.replaces_workers(before)
    ended = 0

    async def none_is_left() -> bool:
        nonlocal ended
        ended += (now := await drill.ends_what_has_begun())
        return now == 0

    await drill.sees(none_is_left)
    assert ended > 0
    await drill.runs(before, "-m", "ops.resume", "--all", env={})
    await asyncio.sleep(5)


async def _nothing_is_lost(drill: Drill) -> None:
    await drill.marks_one(drill.held[4])
    await until_paid(drill.held, within=120)
    assert await drill.care.charges_at_stripe() == [12000] * len(drill.held)
    for person in drill.held:
        [payment] = await person.payments()
        assert payment["status"] == "paid"
    assert sum(len(booked) for booked in drill.booked.values()) > 10 * CALLERS
    for client, booked in drill.booked.items():
        assert await drill.appointments(client) == set(booked)

    async def none_is_stuck() -> bool:
        return not await drill.problems()

    await drill.sees(none_is_stuck, within=60)
