"""Events are read in an order in which none is ever missed, however their transactions commit."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest
from sqlmodel import col, select, text
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Sessions
from models.reads.events.events import EventsGone, EventsRead, events_after
from models.tables import Client, Event
from models.writes.events.publish import publish
from models.writes.events.removing import remove_events
from rules.events.kinds import EventKind, FieldNotForEvents
from tests.care.rows import DAY, NOW, Rows

KIND = EventKind.DETAILS_CHANGED


@pytest.fixture
def rows(sessions: Sessions) -> Rows:
    return Rows(sessions)


def _write(session: AsyncSession, *names: str, client: Client | None = None) -> None:
    for name in names:
        publish(session, KIND, at=NOW, client=client, data={"fields": [name]})


async def _read(sessions: Sessions, after: int | None = None, **asked: Any) -> EventsRead:
    async with sessions() as session:
        return await events_after(session, after, **{"for_site": False, "limit": 100} | asked)


def _names(events: Sequence[Event]) -> list[str]:
    return [event.data["fields"][0] for event in events]


async def test_who_commits_late_is_missed_by_nobody(sessions: Sessions) -> None:
    begin = (await _read(sessions)).after
    async with sessions() as early, sessions() as late:
        _write(late, "written first")
        await late.flush()
        _write(early, "written second")
        await early.commit()
        seen = await _read(sessions)
        assert (_names(seen.events), seen.after) == ([], begin)  # not the second before the first
        await late.commit()
    after = await _read(sessions, seen.after)
    assert _names(after.events) == ["written first", "written second"]
    assert _names((await _read(sessions, after.after)).events) == []


async def test_who_was_given_an_early_number_of_the_engine_and_writes_late_is_missed_by_nobody(
    sessions: Sessions, rows: Rows
) -> None:
    """The order is that of writing, not of when transactions began: so it is that of a client's facts, too."""
    client = await rows.client()
    async with sessions() as began_first, sessions() as other:
        await began_first.exec(text("SELECT pg_current_xact_id()"))  # type: ignore[call-overload]
        locked = select(Client).where(col(Client.id) == client.id).with_for_update()
        _write(other, "first", client=(await other.exec(locked)).one())
        await other.commit()
        seen = await _read(sessions)
        assert _names(seen.events) == ["first"]
        _write(began_first, "second", client=(await began_first.exec(locked)).one())
        await began_first.commit()
    assert _names((await _read(sessions, seen.after, client=client.id)).events) == ["second"]


async def test_what_was_rolled_back_holds_up_nobody(sessions: Sessions) -> None:
    async with sessions() as session:
        _write(session, "never")
        await session.flush()
        await session.rollback()
        _write(session, "after all")
        await session.commit()
    seen = await _read(sessions)
    assert _names(seen.events) == ["after all"]


async def test_a_part_of_a_transaction_that_is_taken_back_leaves_the_rest_in_order(sessions: Sessions) -> None:
    async with sessions() as session, sessions() as other:
        await session.exec(text("SELECT 1"))  # type: ignore[call-overload]
        part = await session.begin_nested()
        _write(session, "taken back")
        await session.flush()
        await part.rollback()
        _write(other, "other")
        await other.commit()
        seen = await _read(sessions)
        assert _names(seen.events) == ["other"]
        _write(session, "rest")
        await session.commit()
    assert _names((await _read(sessions, seen.after)).events) == ["rest"]


@pytest.mark.parametrize("seed", range(3))
async def test_many_at_once_are_all_read_once_and_in_order(sessions: Sessions, rows: Rows, seed: int) -> None:
    clients = [await rows.client() for _ in range(3)]
    chance = random.Random(seed)  # noqa: S311 - no secret
    waits = [[chance.random() / 50 for _ in range(8)] for _ in range(6)]
    written: dict[str, list[str]] = {str(client.id): [] for client in clients}

    async def writes(number: int) -> None:
        for turn, wait in enumerate(waits[number]):
            one = clients[(number + turn) % len(clients)]
            async with sessions() as session:
                if turn % 2:  # a number of the engine's long before anything is written
                    await session.exec(text("SELECT pg_current_xact_id()"))  # type: ignore[call-overload]
                    await asyncio.sleep(wait)
                client = (await session.exec(select(Client).where(col(Client.id) == one.id).with_for_update())).one()
                names = [f"{number}.{turn}.{part}" for part in range(2)]
                _write(session, names[0], client=client)
                await session.flush()
                await asyncio.sleep(wait)
                _write(session, names[1], client=client)
                written[str(one.id)] += names
                if turn == 5:
                    await session.rollback()
                    del written[str(one.id)][-2:]
                else:
                    await session.commit()

    done = asyncio.gather(*(writes(number) for number in range(len(waits))))
    heard: list[Event] = []
    after = 0
    while True:
        last = done.done()
        read = await _read(sessions, after, limit=5)
        heard += read.events
        after = read.after
        if last and not read.events:
            break
        await asyncio.sleep(0)
    await done
    ids = [event.id for event in heard]
    assert len(ids) == len(set(ids)) == sum(map(len, written.values())) > 0
    for client in clients:
        assert _names([event for event in heard if event.client_id == client.id]) == written[str(client.id)]


async def test_what_is_asked_for_alone_is_read_and_the_next_reading_goes_on_behind_all(sessions: Sessions) -> None:
    async with sessions() as session:
        publish(session, EventKind.CLIENT_ARCHIVED, at=NOW)
        publish(session, EventKind.CARD_SAVED, at=NOW)
        publish(session, EventKind.CARD_SAVED, at=NOW, for_site=False)
        await session.commit()
    all_of_it = await _read(sessions)
    assert [event.kind for event in all_of_it.events] == [
        EventKind.CLIENT_ARCHIVED,
        EventKind.CARD_SAVED,
        EventKind.CARD_SAVED,
    ]
    site = await _read(sessions, for_site=True)
    assert [event.kind for event in site.events] == [EventKind.CARD_SAVED]
    assert site.after == all_of_it.after
    one = await _read(sessions, kinds=[EventKind.CARD_SAVED], limit=1)
    assert one.after == one.events[0].id
    assert len((await _read(sessions, one.after, kinds=[EventKind.CARD_SAVED])).events) == 1


async def test_who_comes_back_too_late_is_told_that_events_are_gone(sessions: Sessions) -> None:
    async with sessions() as session:
        for name, at in (("a", NOW - DAY), ("b", NOW - DAY), ("c", NOW), ("d", NOW - DAY)):
            publish(session, KIND, at=at, data={"fields": [name]})
        await session.commit()
    ids = [event.id or 0 for event in (await _read(sessions)).events]
    removed = []
    for most in (1, 5, 5):
        async with sessions() as session:
            removed.append(await remove_events(session, before=NOW, most=most))
            await session.commit()
    assert removed == [1, 1, 0]  # none behind one that stays
    for after in (0, ids[0]):
        with pytest.raises(EventsGone) as gone:
            await _read(sessions, after)
        assert gone.value.up_to == ids[1]
    assert _names((await _read(sessions, ids[1])).events) == ["c", "d"]
    assert _names((await _read(sessions)).events) == ["c", "d"]
    async with sessions() as session:
        assert await remove_events(session, before=NOW + DAY, most=9) == 2
        await session.commit()
    assert (await _read(sessions, ids[3])).after == ids[3]
    with pytest.raises(EventsGone):
        await _read(sessions, ids[2])


async def test_an_event_tells_what_its_kind_tells_and_nothing_else(sessions: Sessions) -> None:
    async with sessions() as session:
        with pytest.raises(FieldNotForEvents, match="first_name"):
            publish(session, KIND, at=NOW, data={"fields": [], "first_name": "Sara"})
