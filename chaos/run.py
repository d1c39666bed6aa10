"""One run: the practice opens, the storm passes through, everything comes to rest, and the promises are reckoned."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from temporalio.client import Client

from chaos.callers import DESK, ApiClient, NotAnswered
from chaos.clicks import Hands
from chaos.journeys import open_practice, stories, tell_all
from chaos.kills import kill_in_turn
from chaos.promises import Promise, World, is_at_rest, reckon, resumed_by_reason, tasks_by_kind
from chaos.shape import POLICY, Shape
from config.development import DEV_PAYLOAD_KEYS
from engine.codec import PayloadKeys, data_converter
from local.processes import Log
from local.stack import LocalStack, Ports, settings_of_a_practice
from local.temporal import Service
from models.database import connect

_LOOK_EVERY = 2.0  # seconds
_KEEP_EVERY = 45.0  # seconds, while the storm lasts


@dataclass(kw_only=True)
class Figures:
    """What a run saw. Times in seconds. ``resumed`` counts what was started again, by why."""

    killed: Counter[str] = field(default_factory=Counter)
    clicked: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    rounds: int = 0
    resumed: Counter[str] = field(default_factory=Counter)
    tasks: Counter[str] = field(default_factory=Counter)
    stormy: float = 0.0
    calm: float = 0.0
    promises: list[Promise] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        return all(promise.kept for promise in self.promises)


async def run(shape: Shape, *, folder: Path, say: Callable[[str], None]) -> Figures:
    """Everything, in ``folder``: the data, and ``chaos.log`` with every line of every process."""
    for name in settings_of_a_practice():
        del os.environ[name]
    log = Log(console=False, file=folder / "chaos.log")
    figures = Figures()
    # With a folder of its own the data outlive their servers, as they must here.
    async with (
        await LocalStack.start(
            data_dir=folder / "data", ports=Ports.free(), env=POLICY, log=log, workers=2, seed=False, restart=True
        ) as stack,
        httpx.AsyncClient(trust_env=False, timeout=60) as http,
    ):
        for server in stack.servers.values():
            server.restart = True
        engine = await Client.connect(
            stack.temporal_address,
            namespace=Service.read().namespace,
            data_converter=data_converter(PayloadKeys.parse(DEV_PAYLOAD_KEYS)),
        )
        database = connect(stack.database_url)
        caller = ApiClient(http=http, api_url=stack.api_url, patience=shape.patience)
        world = World(
            stories=stories(journeys=shape.journeys, therapists=shape.therapists),
            caller=caller,
            database=database,
            engine=engine,
            sandbox_url=stack.sandbox_url,
        )
        try:
            await _storm(shape, world, figures, stack, say)
            await database.dispose()  # connections to a server that was killed
            await _calm(shape, world, figures, say)
            say("Reckoning ...")
            figures.promises = await reckon(world)
            figures.tasks, figures.resumed = await tasks_by_kind(world), await resumed_by_reason(world)
        finally:
            await database.dispose()
            figures.answers, figures.slowest = caller.tries, caller.slowest
    log.close()
    return figures


async def _storm(shape: Shape, world: World, figures: Figures, stack: LocalStack, say: Callable[[str], None]) -> None:
    await open_practice(world.caller, world.stories)
    say(f"{shape.journeys} journeys, {shape.kills} kills, {shape.clicks} clicks; the storm lasts {shape.storm:g} s ...")
    began = time.monotonic()
    chance = random.Random(shape.seed)  # noqa: S311 - whom it meets, the same in every run
    hands = Hands(engine=world.engine, stories=world.stories, log=stack.log, chance=chance)
    async with asyncio.TaskGroup() as group:
        group.create_task(
            tell_all(
                world.stories, world.caller, sandbox_url=world.sandbox_url, over=shape.arrivals, at_once=shape.at_once
            )
        )
        group.create_task(_keep_now_and_then(world, figures, over=shape.storm))
        killing = group.create_task(
            kill_in_turn(stack.processes, ready=world.caller.is_ready, times=shape.kills, over=shape.storm)
        )
        clicking = group.create_task(hands.click_on(times=shape.clicks, over=shape.storm))
    figures.killed, figures.clicked = killing.result(), clicking.result()
    figures.stormy = time.monotonic() - began


async def _calm(shape: Shape, world: World, figures: Figures, say: Callable[[str], None]) -> None:
    """Nobody does anything any more, but that the care team lets the keeper look until it finds nothing."""
    say("Calm ...")
    began = time.monotonic()
    while time.monotonic() - began < shape.calm:
        found = await _keep(world, figures)
        if not found and await is_at_rest(world):
            break
        await asyncio.sleep(_LOOK_EVERY)
    figures.calm = time.monotonic() - began


async def _keep_now_and_then(world: World, figures: Figures, *, over: float) -> None:
    """The care team does not wait for the keeper's own hour; a round that nobody ends is looked for in the calm."""
    for _ in range(int(over / _KEEP_EVERY)):
        await asyncio.sleep(_KEEP_EVERY)
        with suppress(NotAnswered):
            await _keep(world, figures)


async def _keep(world: World, figures: Figures) -> bool:
    """One round of the keeper. Whether it found anything. Raises NotAnswered."""
    started = await world.caller.done("POST", "/v1/keepings", {}, by=DESK, once=f"keep-{figures.rounds}")
    figures.rounds += 1
    path, give_up = f"/v1/keepings/{started['keeping_id']}?wait=20", time.monotonic() + world.caller.patience
    while (keeping := await world.caller.done("GET", path, by=DESK))["status"] != "finished":
        if time.monotonic() > give_up:
            raise NotAnswered(f"a round of the keeper has not ended in {world.caller.patience:g} s")
    return bool(keeping["resumed"])
