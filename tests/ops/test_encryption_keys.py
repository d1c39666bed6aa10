"""Which keys the engine's histories still need: asked of a real server, run by run."""

import asyncio
from collections import Counter
from uuid import uuid4

import pytest
from temporalio.client import Client

from engine.codec import PayloadKeys, data_converter
from engine.key_use import workflows_by_key
from local.temporal import TemporalServer
from ops.encryption_keys import main, refusal, uses
from tests.activities.keeping.conftest import Kept, kept, server

__all__ = ["kept", "server"]

OLDER = PayloadKeys((("older", bytes([7]) * 32),))
KNOWN = ["tests", "older"]


async def _listed(client: Client, *, atleast: int) -> Counter[str]:
    """The engine lists what was started a moment later."""
    async with asyncio.timeout(20):
        while True:
            found = await workflows_by_key(client)
            assert found is not None, "a real server lists its workflows"
            if found.total() >= atleast:
                return found
            await asyncio.sleep(0.1)


async def test_a_key_is_needed_for_as_long_as_a_history_has_it(kept: Kept, server: TemporalServer) -> None:
    already = await workflows_by_key(kept.client) or Counter()
    await kept.journey()
    before = await Client.connect(server.address, data_converter=data_converter(OLDER))
    old = await before.start_workflow("ClientJourney", "x", id=f"client-journey:{uuid4()}", task_queue="nobody's")
    found = await _listed(kept.client, atleast=already.total() + 2)
    assert (found - already)["older"] == 1
    assert (found - already)["tests"] >= 1
    used = await uses(kept.sessions, found, known=KNOWN)
    assert str(refusal("older", used, known=KNOWN)).startswith("older is still needed: 1 runs of workflows.")
    await old.terminate("so that it is over")
    assert (await _listed(kept.client, atleast=1))["older"] == 1, "its history is still kept"


def test_the_command_wants_to_know_what(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ([], ["drop"], ["forget", "x"]):
        with pytest.raises(SystemExit):
            main(wrong)
    assert "usage" in capsys.readouterr().err
