"""The command that waits for a reencryption does not wait without end."""

import asyncio
from uuid import uuid4

import pytest

from ops.connected import Connected
from ops.reencrypt import NobodyWaits, reencrypt
from tests.care.house import House
from tests.care.story import Care
from workflows.messages import reencryption_id


def _on(house: House) -> Connected:
    executions = house.dependencies.executions
    assert executions is not None
    return Connected(sessions=house.sessions, executions=executions, clock=house.clock)


async def test_where_the_workers_use_another_database_it_says_so(care: Care, monkeypatch: pytest.MonkeyPatch) -> None:
    """They write another row's end, and that of the command stays open for ever."""
    other = str(uuid4())
    monkeypatch.setattr("ops.reencrypt.reencryption_id", lambda _: reencryption_id(other))
    with pytest.raises(NobodyWaits, match=r"has ended \(completed\).*another one than this command"):
        await asyncio.wait_for(reencrypt(_on(care.house)), 60)


async def test_where_nothing_moves_it_says_so(care: Care) -> None:
    on = _on(care.house)
    await care.house.stop_worker()
    with pytest.raises(NobodyWaits, match="has not moved for 0 minutes: is there a worker"):
        await asyncio.wait_for(reencrypt(on, still_for=2.0), 60)
    await care.house.start_worker()
    assert (await asyncio.wait_for(reencrypt(on), 60)).unreadable == 0
