"""The upgrade drill: a next release is rolled out over this one, back, and out again, one program at a time, while
journeys are under way and requests go on. Nothing is lost, and nobody is answered 5xx."""

import asyncio
import os
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


@pytest.mark.timeout(900)
@pytest.mark.parametrize("versioned", [False, True], ids=["unversioned", "versioned"])
async def test_a_release_is_rolled_out_and_back_under_running_journeys(tmp_path: Path, versioned: bool) -> None:
    before, after = await asyncio.to_thread(the_two, tmp_path)
    env = ENV | ({"WORKER_DEPLOYMENT": "drill", "WORKER_BUILD_ID": "before"} if versioned else {})
    async with (
        await LocalStack.start(ports=Ports.free(), env=env, workers=2, seed=False, tree=before) as stack,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        drill = Drill(stack, http, await Client.connect(stack.temporal_address), versioned)
        if versioned:
            await drill.runs(before, "-m", "ops.worker_versions", "current", "before", env={})
        people = await drill.people()
        asking = [asyncio.create_task(drill.keeps_asking(people[f"Busy{number}"])) for number in range(CALLERS)]
        try:
            await _out_and_back(drill, before, after)
        finally:
            drill.stop.set()
            asked = await asyncio.gather(*asking, return_exceptions=True)
        assert drill.faults == []
        assert [error for error in asked if error is not None] == []
        assert set(drill.answers) <= {200, 201, 204}, drill.answers
        await _nothing_is_lost(drill)


async def _out_and_back(drill: Drill, before: Path, after: Path) -> None:
    made_up = not os.environ.get("BEFORE")
    assert await drill.schema() == (True, "ok")
    await drill.stack.migrate(tree=after)
    assert await drill.schema() == (True, "newer" if made_up else "ok")
    await drill.replaces_workers(after, build="after", holds=True)
    await drill.marks_one(drill.held[0])
    await drill.replaces_server(after)
    assert await drill.schema() == (True, "ok")
    assert await drill.begun() == 0, "patches are held"

    # Back, as long as nothing has begun a patch: nothing else is to be done. Migrating again changes nothing.
    await drill.replaces_server(before)
    await drill.replaces_workers(before, build="before")
    await drill.stack.migrate(tree=before)
    assert await drill.schema() == (True, "newer" if made_up else "ok")
    await drill.marks_one(drill.held[1])

    # Out again, and for good.
    await drill.replaces_workers(after, build="after", holds=True)
    await drill.replaces_server(after)
    await drill.marks_one(drill.held[2])
    await drill.replaces_workers(after, build="after-for-good")
    await drill.marks_one(drill.held[3])
    if not made_up:
        return

    async def some_have_begun() -> bool:
        return await drill.begun() > 0

    await drill.sees(some_have_begun)
    # And back even so: what old workers cannot follow is started again from its rows.
    await drill.replaces_server(before)
    await drill.replaces_workers(before, build="before")
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
    for client, booked in drill.booked.items():
        assert len(booked) > 10
        assert await drill.appointments(client) == set(booked)

    async def none_is_stuck() -> bool:
        return not await drill.problems()

    await drill.sees(none_is_stuck, within=60)
