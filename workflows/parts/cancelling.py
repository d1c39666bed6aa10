"""Cancellation that is heard and not obeyed.

One click in the engine's UI asks for it, and a workflow that obeyed would leave its client without reminders, and a fee
unpaid. The product has its own ways to end things, which can be taken back, and the details say which.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from temporalio import exceptions, workflow

from workflows import steps
from workflows.parts import details

with workflow.unsafe.imports_passed_through():
    from activities.types.accounts import CancellationLook
    from activities.types.workflow_ids import own_id
    from rules.journey.stage import JourneyFacts

Result = TypeVar("Result")


async def heedless(
    story: Coroutine[Any, Any, Result], *, instead: str, heard: Callable[[], Awaitable[None]] | None = None
) -> Result:
    """Run a story to its end, whoever asks that it be cancelled. The details then say what to do ``instead``, and
    ``heard`` is run beside it: once a run, for the engine keeps the first request alone."""
    running = asyncio.create_task(story)
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    running.add_done_callback(lambda _: ended.set_result(None))
    hearing: asyncio.Task[None] | None = None
    while not running.done():
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            if workflow.cancellation_reason() is None:  # the worker forgets the run
                raise
            if hearing is None:
                hearing = asyncio.create_task(_hear(instead, heard))
    if hearing is not None:
        await hearing
    return running.result()


async def _hear(instead: str, heard: Callable[[], Awaitable[None]] | None) -> None:
    details.note(f"cancellation was asked for, which ends nothing here. Instead: {instead}")
    workflow.logger.warning("cancellation was asked for, and is not obeyed")
    if heard is None:
        return
    try:
        await heard()
    except exceptions.FailureError as error:
        workflow.logger.error("it could not be recorded that cancellation was asked for", exc_info=error)


async def record_cancellation() -> JourneyFacts:
    """The fact of it, in the timeline of the client whose workflow, or whose appointment's, this is."""
    here = workflow.info()
    look = CancellationLook(workflow_id=here.workflow_id, run_id=here.run_id, **own_id(here.workflow_id))
    return await steps.note_cancellation(look)
