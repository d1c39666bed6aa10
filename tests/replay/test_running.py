"""The look at what runs on a cluster, before a release: on the dev server, which can list workflows."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from tests.care.house import open_house
from tests.care.story import Care
from tests.replay.meddling import Meddling
from tests.replay.running import Looked, look, main, tell
from workflows.messages import TASK_QUEUE

KINDS = 3  # of workflows that the story leaves


@pytest.fixture
async def live(database_url: str) -> AsyncIterator[Care]:
    async with (
        open_house(database_url, real_time=True) as house,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        yield Care(house, http)


async def test_what_runs_and_what_has_ended_is_replayed_and_a_change_is_told(
    live: Care, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await live.therapist("ana", intro_calls="off")
    sara = await live.arrives(client={"first_name": "Sara", "email": "sara@example.com"})
    await sara.books("session", by="desk")
    await live.post("/v1/keepings?wait=60", by="desk", expect=200)  # a workflow that ends
    looked = await _listed(live)
    assert tell(looked) == 0
    assert looked.number.keys() >= {"ClientJourney", "AppointmentJourney", "KeepJourneys"}
    assert "can follow" in capsys.readouterr().out

    monkeypatch.setattr("tests.replay.running.INTERCEPTORS", [Meddling(slow={"book"})])
    changed = await _listed(live)
    assert tell(changed) == 1
    told = capsys.readouterr().out
    [line] = [line for line in told.splitlines() if line.startswith(sara.journey.id)]
    assert re.search(
        r"at event \d+ the history has the step `book` \(.+\); the code now asks for a timer \(before", line
    )

    fewest = await look(live.house.engine, task_queue=TASK_QUEUE, last=2)
    assert (fewest.total, len(fewest.number)) == (2, 2)  # of two kinds


async def _listed(live: Care) -> Looked:
    """Once the listing has them all: it is a moment late."""
    async with asyncio.timeout(30):
        while True:
            looked = await look(live.house.engine, task_queue=TASK_QUEUE, last=100)
            if len(looked.number) >= KINDS:
                return looked
            await asyncio.sleep(0.2)


def test_an_engine_that_is_away_is_told_in_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setattr("tests.replay.running.PATIENCE", timedelta())
    assert main(["--last", "3"]) == 2
    assert "127.0.0.1:1 cannot be reached" in capsys.readouterr().err


@pytest.mark.parametrize("said", [["--last", "0"], ["--last", "some"], ["workflow"]])
def test_what_cannot_be_meant_is_refused(said: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(said)
    assert left.value.code == 2
