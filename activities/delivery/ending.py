"""Ending well (graceful shutdown): a step that may not be cut off in the middle ends at the next good place instead."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import activity

Result = TypeVar("Result")


class Stopping:
    """Whether a step is to end at the next good place: its worker drains, or nobody wants its answer any more."""

    def __init__(self) -> None:
        self.cancelled: asyncio.CancelledError | None = None

    def __bool__(self) -> bool:
        return self.cancelled is not None or activity.is_worker_shutdown()


async def to_a_good_end(step: Callable[[Stopping], Awaitable[Result]]) -> Result:
    """Run this, and let a cancellation pass only when it has ended. It is given what tells it to make haste.

    What is handed to a vendor in a thread goes on there, whoever stops waiting for it: only who waits can record it.
    """
    stopping = Stopping()
    work = asyncio.ensure_future(step(stopping))
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as cancelled:
            stopping.cancelled = cancelled
    if stopping.cancelled is not None and not work.cancelled() and work.exception() is None:
        raise stopping.cancelled
    return work.result()
