"""Lines are chained soon after they were written, by whichever server is there, and however they become visible."""

import asyncio
from contextlib import suppress

import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError

from api.access_log import chaining
from api.access_log.chaining import chain_once, keep_chaining
from models.database import Sessions
from models.reads.accounts.access_chain import blocks
from models.writes.accounts.access_chain import chain_accesses
from models.writes.accounts.accesses import write_accesses
from ops.verify import verify_all
from rules.accounts.accesses import Access, AccessEvent, AccessKind
from tests.care.rows import NOW


def line(who: str) -> Access:
    return Access(at=NOW, event=AccessEvent.READ, kind=AccessKind.RECORD, who=who, whose=())


async def write(sessions: Sessions, *who: str) -> None:
    async with sessions() as session:
        await write_accesses(session, [line(one) for one in who])
        await session.commit()


async def covered(sessions: Sessions) -> list[int]:
    """How many lines each entry covers."""
    async with sessions() as session:
        return [block.data["lines"] for block in await blocks(session, after=0, limit=100)]


async def test_several_servers_chain_each_line_once(app: FastAPI, sessions: Sessions) -> None:
    for number in range(4):
        await write(sessions, *(f"{number}-{one}" for one in range(5)))
        await asyncio.gather(*(chain_once(app.state.services) for _ in range(4)))
    while await chain_once(app.state.services):
        pass
    assert sum(await covered(sessions)) == 20
    assert (await verify_all(sessions)).faults == []


async def test_a_line_that_is_seen_after_later_ones_were_chained_is_chained_too(sessions: Sessions) -> None:
    """It has the lower number, and its transaction took longer."""
    async with sessions() as slow, sessions() as chaining_session:
        await write_accesses(slow, [line("slow")])
        await write(sessions, "quick", "quicker")
        assert await chain_accesses(chaining_session, at=NOW) == 2
        await chaining_session.commit()
        await slow.commit()
        assert await chain_accesses(chaining_session, at=NOW) == 1
        await chaining_session.commit()
    assert await covered(sessions) == [2, 1]
    assert (await verify_all(sessions)).faults == []


@pytest.mark.parametrize("fault", [OperationalError("SELECT", {}, Exception("away")), ValueError("of ours")])
async def test_a_server_goes_on_chaining_when_the_database_was_away(
    app: FastAPI, sessions: Sessions, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    tries = 0

    async def sometimes(services: object) -> int:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise fault
        return await chain_once(app.state.services)

    monkeypatch.setattr(chaining, "chain_once", sometimes)
    await write(sessions, "first")
    task = asyncio.create_task(keep_chaining(app.state.services, every=0.01))
    async with asyncio.timeout(20):
        while await covered(sessions) != [1]:
            await asyncio.sleep(0.01)
        await write(sessions, "second")
        while await covered(sessions) != [1, 1]:
            await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_a_line_waits_for_less_than_a_minute() -> None:
    assert chaining.EVERY <= 30  # so that one look may fail
