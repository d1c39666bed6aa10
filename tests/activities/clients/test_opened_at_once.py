"""A journey is opened by two attempts at the same moment: the first is still within its transaction, given up by the
engine, when the second begins. Both answer the same."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import cast
from uuid import UUID, uuid4

import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.clients.matching import MatchingActivities
from activities.types.clients import ClientDetails, NewJourney
from activities.types.words import said_in, without_words
from models.database import Sessions
from models.tables import Client, HandedIn
from models.writes.clients.handed_in import hand_in
from rules.enums import Source
from tests.activities.booking.test_times_at_once import in_line
from tests.care.defaults import details
from tests.care.practice import DESK, Practice
from tests.care.rows import Rows

FORM = {"state": "NV", "concerns": [], "languages": ["en"], "modality": "individual"}


def order(source: Source, **more: object) -> NewJourney:
    given = {"request_id": str(uuid4()), "client_id": str(uuid4()), "by": DESK, "source": source} | more
    return NewJourney(**given)  # type: ignore[arg-type]


ORDERS: dict[str, tuple[Callable[[], NewJourney], str | None]] = {  # and whom each is matched with
    "a form that nobody fits": (lambda: order(Source.MATCHING_FORM, answers=FORM | {"state": "CA"}), None),
    "a form that somebody fits": (lambda: order(Source.MATCHING_FORM, answers=FORM), "ben"),
    "a therapist": (lambda: order(Source.DIRECT_BOOKING, therapist="ana"), "ana"),
    "an address that the first has taken": (
        lambda: order(Source.CARE_TEAM, therapist="ana", details=ClientDetails(**details("Sara"))),
        "ana",
    ),
}


class Held:
    """Sessions that wait before they commit, with all their rows written and all their locks."""

    def __init__(self, real: Sessions) -> None:
        self.real, self.written, self.may_end = real, asyncio.Event(), asyncio.Event()

    def __call__(self) -> AsyncSession:
        session = self.real()
        commit = session.commit

        async def later() -> None:
            await session.flush()
            self.written.set()
            await self.may_end.wait()
            await commit()

        session.commit = later  # type: ignore[method-assign]
        return session


@pytest.mark.parametrize("handed_in", [False, True], ids=["said with it", "handed in"])
@pytest.mark.parametrize("what", ORDERS)
async def test_two_attempts_at_once_open_one_journey(practice: Practice, what: str, handed_in: bool) -> None:
    await Rows(practice.sessions).therapist("ben", licensed_in=["NV"], languages=["en"], modalities=["individual"])
    make, therapist = ORDERS[what]
    new = make()
    if handed_in:
        new = await _handed_in(practice, new)
    held = Held(practice.sessions)
    stuck = MatchingActivities(replace(practice.matching.deps, sessions=cast("Sessions", held)))
    async with asyncio.timeout(30):
        first = asyncio.ensure_future(stuck.open_journey(new))
        await held.written.wait()
        [second] = await in_line(practice, practice.matching.open_journey(new))
        held.may_end.set()
        opened = await first
        assert (opened.refusal, opened.therapist, await second) == (None, therapist, opened)
    async with practice.sessions() as session:
        assert [str(client.id) for client in await session.exec(select(Client))] == [new.client_id]


async def _handed_in(practice: Practice, new: NewJourney) -> NewJourney:
    row = HandedIn(
        id=uuid4(),
        request_id=new.request_id,
        about=UUID(new.client_id),
        said=said_in(new),
        handed_in_by=DESK.actor,
        handed_in_at=practice.clock.instant,
    )
    async with practice.sessions() as session:
        await hand_in(session, row)
        await session.commit()
    return without_words(new, handed_in=str(row.id))
