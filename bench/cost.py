"""What a journey costs, counted: statements and transactions of each stage, events, actions and bytes of its histories.

The whole house runs in this process on the movable clock, so the figures are the same on any machine; nothing is timed.
``python -m bench cost`` prints them and writes them down; ``python -m bench.cost --places`` says which lines asked.
"""

import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.counting import Histories, Statements, counted, histories_of
from engine.ending import end
from local.postgres import Postgres
from rules.policy import JourneyPolicy
from tests.care.defaults import NO_LIMITS
from tests.care.house import open_house
from tests.care.served import all_stopped
from tests.care.story import Care

RESULTS = Path(__file__).resolve().parent / "results" / "cost.txt"
SESSIONS = 6
AHEAD = 5
START = "start with a match"
BOOKING = "first booking with all its mails"
FORMS = "three forms and a card"
OUTCOME = "outcome of a session"
CHARGE = "charge, webhook and receipt"
ARCHIVE = f"archive of a client with {AHEAD} sessions ahead"
JOURNEY = f"one journey of {SESSIONS} sessions, matching to last receipt"


@dataclass
class JourneyCost:
    """What was counted: the statements by stage, and the histories of the whole journey."""

    stages: dict[str, Statements] = field(default_factory=dict)
    histories: Histories = field(default_factory=Histories)

    def figures(self) -> dict[str, int]:
        """Every figure by its name, as the test that holds them knows it."""
        found = {}
        for stage, one in self.stages.items():
            found[f"{stage}: statements"] = one.own
            found[f"{stage}: transactions"] = one.transactions
            found[f"{stage}: statements beside"] = one.beside.total()
        found["events"] = self.histories.events.total()
        found["actions"] = self.histories.actions.total()
        found["bytes"] = self.histories.bytes.total()
        return found

    def lines(self) -> list[str]:
        """As people read it."""
        lines = [f"  {'':58} statements  transactions  beside", *map(self._line, self.stages)]
        beside = sum((one.beside for one in self.stages.values()), Counter[str]())
        lines += [f"    beside, in all: {many} for {what}" for what, many in beside.most_common()]
        histories = self.histories
        lines += [
            f"  the histories of {JOURNEY}",
            f"    {histories.events.total():7} events: {_most(histories.events)}",
            f"    {histories.actions.total():7} billable actions: {_most(histories.actions)}",
            f"    {histories.bytes.total():7} bytes: {_most(histories.bytes)}",
        ]
        return lines

    def _line(self, stage: str) -> str:
        one = self.stages[stage]
        return f"  {stage:58} {one.own:10}  {one.transactions:12}  {one.beside.total():6}"


def _most(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {many}" for name, many in counts.most_common(8))


async def cost_of_journeys(care: Care) -> JourneyCost:
    """Tell the two stories, and count. The clock of the house is moved by months."""
    cost = JourneyCost()
    await care.therapist()
    await _one_journey(care, cost)
    await _one_archive(care, cost)
    return cost


async def _one_journey(care: Care, cost: JourneyCost) -> None:
    with counted() as cost.stages[START]:
        sara = await care.arrives("matching_form")
    intro = await care.slot("ana", "intro_call")
    await sara.look()
    with counted() as cost.stages[BOOKING]:
        booked = await care.post(f"/v1/clients/{sara.id}/appointments", sara.booking("intro_call", intro))
        await care.rest()
    await sara.activates()
    with counted() as cost.stages[FORMS]:
        await sara.completes_forms()
        await care.rest()
    sara.books_at(booked)
    await sara.session(1).occurs()
    sessions = await sara.books("session", weeks=SESSIONS)
    await care.rest()
    for number, session in enumerate(sessions):
        await care.until(session.ends_at)
        await care.rest()
        with counted() as outcome:
            await session.marked("occurred")
        with counted() as charge:
            await care.pass_time(hours=30)
            await care.rest()
        if number == 0:
            cost.stages[OUTCOME], cost.stages[CHARGE] = outcome, charge
    await care.pass_time(days=2)  # the intro call's and the last session's workflows end
    await care.rest()
    assert (await care.mail_counts(to=sara.email))["receipt"] == SESSIONS
    assert len(await care.charges_at_stripe()) == SESSIONS
    cost.histories = await histories_of(sara.journey, *(one.workflow for one in sara.appointments))


async def _one_archive(care: Care, cost: JourneyCost) -> None:
    mia = await care.client_in_care(sessions=AHEAD, name="Mia")
    await care.pass_time(hours=1)
    with counted() as cost.stages[ARCHIVE]:
        await mia.is_archived()
        await care.rest()


# ---------------------------------------------------------------- by itself


async def run() -> None:
    async with _care() as care:
        cost = await cost_of_journeys(care)
    lines = cost.lines()
    print("\n".join(lines))
    RESULTS.write_text("\n".join(line.rstrip() for line in lines) + "\n")
    if "--places" in sys.argv:
        for stage, statements in cost.stages.items():
            print(f"\n{stage}")
            for (within, place, statement), many in Counter(
                (one.within, one.place, one.statement[:90]) for one in statements.asked
            ).most_common():
                print(f"  {many:3}  {within:50} {place:50} {statement}")


@asynccontextmanager
async def _care() -> AsyncIterator[Care]:
    with tempfile.TemporaryDirectory(prefix="care-journeys-cost-") as folder:
        async with await Postgres.start(Path(folder), durable=False) as server:
            _ = await server.migrated("cost")
            database = server.url("cost")
            async with (
                open_house(database, JourneyPolicy(**NO_LIMITS)) as house,
                httpx.AsyncClient(trust_env=False, timeout=60) as http,
            ):
                yield Care(house, http)
            await all_stopped()


if __name__ == "__main__":
    asyncio.run(run())
    end(0)
