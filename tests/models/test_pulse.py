"""Who waits is let go when the other side does not live, and only then."""

import asyncio
import time
from datetime import timedelta

import pytest

from models.pulse import Pulse, Silent

PATIENCE, WITHIN = timedelta(seconds=0.05), timedelta(seconds=0.2)


class Server:
    def __init__(self, *, lives: bool = True) -> None:
        self.lives = lives
        self.asked = 0

    async def ask(self) -> bool:
        self.asked += 1
        if not self.lives:
            await asyncio.sleep(60)
        return True


def _pulse(server: Server) -> Pulse:
    return Pulse(server.ask, patience=PATIENCE, within=WITHIN)


async def test_what_is_quick_asks_nothing() -> None:
    server = Server(lives=False)
    async with _pulse(server).felt():
        await asyncio.sleep(0)
    assert server.asked == 0


async def test_all_who_wait_for_a_dead_server_are_let_go_by_one_question() -> None:
    server = Server(lives=False)
    pulse = _pulse(server)

    async def wait() -> None:
        async with pulse.felt():
            await asyncio.sleep(60)

    ended = await asyncio.gather(*(wait() for _ in range(50)), return_exceptions=True)
    assert {type(end) for end in ended} == {Silent}
    assert server.asked == 1
    began = time.monotonic()
    with pytest.raises(Silent):  # who comes next waits for the question alone
        await wait()
    assert time.monotonic() - began < 1
    server.lives = True
    async with pulse.felt():
        pass


async def test_an_error_of_the_work_itself_stays_what_it_is() -> None:
    with pytest.raises(TimeoutError, match="mine"):
        async with _pulse(Server()).felt():
            raise TimeoutError("mine")


async def test_a_process_that_stood_still_itself_asks_once_more() -> None:
    asked = 0

    async def ask() -> bool:
        nonlocal asked
        asked += 1
        if asked == 1:
            time.sleep(0.6)  # noqa: ASYNC251 - this is what a process is like that has no time
            await asyncio.sleep(0.01)
        return True

    assert await Pulse(ask, patience=PATIENCE, within=WITHIN).beats()
    assert asked == 2
