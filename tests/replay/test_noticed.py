"""The corpus is no better than what it notices: for each handler a change is made, which some history must not follow.

That a message was sent is not enough: one that was dropped or refused, or came when nothing followed from it, shows
nothing of what its handler does.
"""

from collections.abc import AsyncIterator

from temporalio.client import WorkflowHistory

from engine.codec import data_converter
from tests.care.house import KEYS
from tests.replay.corpus import corpus
from tests.replay.handlers import Handled, handled, signals, updates
from tests.replay.meddling import Meddling
from tests.replay.replaying import replayed

CONVERTER = data_converter(KEYS)
MOST = 12  # histories that are tried for one handler, the shortest first


async def unnoticed(handlers: set[Handled], change: str) -> set[Handled]:
    """Those of which no history notices the change, ``slow`` or ``deaf``."""
    left, meddling = set(handlers), Meddling()
    shortest = sorted(corpus().values(), key=lambda history: len(history.events))
    to_try = {handler: [history for history in shortest if handler in handled(history)][:MOST] for handler in handlers}
    tried: list[Handled] = []

    async def one_after_the_other() -> AsyncIterator[WorkflowHistory]:
        for handler, histories in sorted(to_try.items()):
            setattr(meddling, change, {handler[1]})
            for history in histories:
                if handler in left:
                    tried.append(handler)
                    yield history

    async for one in replayed(one_after_the_other(), CONVERTER, interceptors=[meddling]):
        if one.told:
            left.discard(tried[-1])
    return left


async def test_an_update_or_a_signal_that_first_waits_is_noticed() -> None:
    assert await unnoticed(updates() | signals(), "slow") == set()


async def test_a_signal_that_nobody_hears_is_noticed() -> None:
    assert await unnoticed(signals(), "deaf") == set()
