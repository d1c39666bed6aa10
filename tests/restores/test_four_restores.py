"""The four restores: a store goes back to an earlier moment, or is lost, and the other and Stripe do not.

Sessions were marked, charged and refunded in between, and Stripe has forgotten its idempotency keys. Nothing is charged
or refunded twice, nothing that was earned is forgotten, and what nobody can know is a task.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest

from activities.keeping import restored, rounds
from activities.money import charge
from local.postgres import Postgres
from tests.care.story import Care, Person
from tests.restores.cast import FEE, NEW, Cast, after, before, held, money_at_stripe, refs
from tests.restores.runbook import blocks, follow
from tests.restores.stores import Stores
from tests.stack.practice import until_paid

pytestmark = pytest.mark.timeout(240)

COPIED, LOST = "copied", "lost"  # the two moments


@dataclass(frozen=True, kw_only=True)
class Restore:
    """Of which moment the stores are; and the runbook's section that is followed."""

    database: str
    engine: str | None
    section: str

    @property
    def forgets(self) -> bool:
        """Whether the database has lost what came after the copy."""
        return self.database == COPIED


RESTORES = {
    "both back": Restore(database=COPIED, engine=COPIED, section="The database was restored"),
    "database back": Restore(database=COPIED, engine=LOST, section="The database was restored"),
    "engine back": Restore(database=LOST, engine=COPIED, section="The engine was restored"),
    "engine empty": Restore(database=LOST, engine=None, section="The engine is empty"),
}

# What is taken from each client in the end, and given back; the same whichever store was lost.
MONEY = {
    "Paid": (FEE, 0),
    "Returned": (FEE, FEE),
    "Half": (FEE, 5000),
    "Due": (FEE, 0),
    "Both": (FEE, FEE),
    "Later": (FEE, 0),
    "Ended": (FEE, 0),
    "Marked": (FEE, 0),
    "Again": (FEE, 0),
}
LEDGER = dict.fromkeys(MONEY, "paid") | {
    "Returned": "refunded",
    "Half": "partially_refunded",
    "Both": "refunded",
}
RECEIPTS = [("later@example.com", "receipt"), ("ended@example.com", "receipt")]  # all mail, where the database stays


@dataclass(kw_only=True)
class World:
    """A practice at the moment of its loss, with a copy of each store from before."""

    stores: Stores
    cast: Cast
    refs: Mapping[str, str]


@pytest.fixture(scope="module")
async def world(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    stores = Stores(postgres, tmp_path_factory.mktemp("stores"))
    await stores.open()
    [dump] = blocks("Backups")
    [migrate_and_register] = blocks("Before the first start")
    async with stores.engine() as engine, stores.running(engine):
        await follow(stores, migrate_and_register)
        cast = await before(stores)
        await follow(stores, dump)
    await stores.copy(COPIED)
    async with stores.engine() as engine, stores.running(engine):
        await after(stores, cast)
        known = await refs(list(cast.values()))
    stores.forget_idempotency_keys()
    await stores.copy(LOST)
    yield World(stores=stores, cast=cast, refs=known)
    await stores.close()


@pytest.mark.parametrize("name", RESTORES)
async def test_nothing_is_charged_or_refunded_twice_and_nothing_earned_is_forgotten(
    name: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charge, "LOOK_AGAIN", timedelta(seconds=3))  # at what waits for the comparison
    for module in (rounds, restored):
        monkeypatch.setattr(module, "NOT_YET", timedelta())  # nobody waits until rows are a minute old
    restore, stores, cast = RESTORES[name], world.stores, world.cast
    async with _restored(restore, stores):
        care = stores.care
        before_it = await _sent(care)
        await _compared(stores)
        await held(stores, cast["Ended"], due=timedelta())
        if restore.forgets:
            await _what_nobody_can_know_is_a_task(care, world, restore)
            await held(stores, cast["Marked"], due=timedelta())  # as the task says
        paid = ["Due", "Both", "Later", "Ended", "Marked", *(["Gone"] if restore.forgets else [])]
        await until_paid([cast[each] for each in paid], within=30)

        await _money_is_right(care, world, restore)
        people = [person for each, person in cast.items() if not (restore.forgets and each == NEW)]
        await _everybody_lives(care, people)
        if not restore.forgets:
            sent = await _sent(care)
            assert {receipt: sent[receipt] for receipt in RECEIPTS} == dict.fromkeys(RECEIPTS, 1)
            assert sent - before_it - Counter(RECEIPTS) == Counter(), "nothing else is told again"


@asynccontextmanager
async def _restored(restore: Restore, stores: Stores) -> AsyncIterator[None]:
    """The stores as they are after the loss, and then what the runbook says."""
    await stores.put_back(database=LOST, engine=restore.engine, stand_ins=LOST)
    *stopped, started = blocks(restore.section)
    async with stores.engine() as engine:
        for block in stopped:
            await follow(stores, block)
        async with stores.running(engine):
            await follow(stores, started)
            yield


async def _sent(care: Care) -> Counter[tuple[str, str]]:
    return Counter((mail["to"], mail["template"]) for mail in await care.mails())


async def _compared(stores: Stores) -> None:
    """With Stripe, in this epoch; it begins by itself."""
    async with asyncio.timeout(60):
        while not await stores.says("SELECT compared_at IS NOT NULL FROM epoch ORDER BY number DESC LIMIT 1"):
            await asyncio.sleep(0.2)


async def _what_nobody_can_know_is_a_task(care: Care, world: World, restore: Restore) -> None:
    """Money for a session that is not marked in the dump, and for one that is not in it; and who came after it."""
    tasks: dict[str, list[str]] = {}
    for task in await care.tasks():
        tasks.setdefault(task["kind"], []).append(task["text"])
    assert len(tasks["ledger_difference"]) == 2, tasks
    assert len(tasks["restored"]) == 1, tasks
    if restore.engine == LOST:
        assert any(world.refs[NEW] in text for text in tasks["no_record"]), tasks
    await care.call("GET", f"/v1/clients/{world.cast[NEW].id}", by="desk", expect=404)


async def _money_is_right(care: Care, world: World, restore: Restore) -> None:
    """At Stripe, and in the ledger."""
    compared = await care.post("/v1/reconciliations", by="desk", expect=200)
    money = await money_at_stripe(care)
    # An archive that the dump does not know is forgotten, and what was earned is charged.
    wanted = MONEY | ({"Gone": (FEE, 0)} if restore.forgets else {})
    assert {name: money[ref] for name, ref in world.refs.items() if ref in money} == {
        name: ([taken], back) for name, (taken, back) in wanted.items()
    }
    unknown = {"Again"} if restore.forgets else set()
    for name in LEDGER.keys() - unknown:
        [payment] = await world.cast[name].payments()
        assert payment["status"] == LEDGER[name], (name, payment)
    assert [difference["kind"] for difference in compared["differences"]] == ["unknown_payment"] * len(unknown)


async def _everybody_lives(care: Care, people: list[Person]) -> None:
    """Nothing is left for the keeper, and each client's chain of facts is whole."""
    started = await care.post("/v1/keepings", by="desk", expect=202)
    kept = await care.get(f"/v1/keepings/{started['keeping_id']}", wait=60)
    assert kept["resumed"] == [], kept
    for person in people:
        verified = await care.get(f"/v1/clients/{person.id}/timeline/verify")
        assert verified["valid"], (person.name, verified)
