"""Whether what runs on a cluster can follow the code of this checkout: ``python -m tests.replay.running --last 500``.

For before a release, with the settings of the worker: it reads histories, opens them with the PAYLOAD_KEYS, and
replays each here. Nothing is changed, and no step is taken. Of every kind of workflow the newest are taken in turn,
those that run before those that have ended, until there are as many as were asked for.

The exit code is 0 if all can follow, 1 if one cannot, and 2 if the engine cannot be looked at.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio.client import Client, WorkflowExecution, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Interceptor

from config import Settings, settings_or_exit
from engine.codec import data_converter
from engine.connect import connect
from engine.ending import end
from ops.leaving import CANNOT_LOOK, exit_code
from tests.replay.handlers import TYPES
from tests.replay.replaying import Replayed, replayed

PATIENCE = timedelta(seconds=30)
TELL_EVERY = 50
INTERCEPTORS: tuple[Interceptor, ...] = ()  # as the worker: it has none for workflows
STATES = ("ExecutionStatus = 'Running'", "ExecutionStatus != 'Running'")


@dataclass
class Looked:
    """What was replayed, and of it what cannot follow. ``gone``: it was deleted before its history could be read."""

    number: dict[str, int] = field(default_factory=dict)  # by type
    failures: list[Replayed] = field(default_factory=list)
    gone: int = 0

    @property
    def total(self) -> int:
        return sum(self.number.values())


async def look(client: Client, *, task_queue: str, last: int) -> Looked:
    """Replay so many workflows of a task queue, and say how far it is meanwhile."""
    looked = Looked()
    histories = _histories(client, looked, task_queue=task_queue, last=last)
    async for one in replayed(histories, client.data_converter, interceptors=INTERCEPTORS):
        looked.number[one.workflow] = looked.number.get(one.workflow, 0) + 1
        if one.broken:
            looked.failures.append(one)
        if looked.total % TELL_EVERY == 0:
            print(f"{looked.total} replayed, {len(looked.failures)} cannot follow", flush=True)
    return looked


async def _histories(client: Client, looked: Looked, *, task_queue: str, last: int) -> AsyncIterator[WorkflowHistory]:
    async for execution in _in_turn(client, task_queue=task_queue, last=last):
        try:
            handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
            yield await handle.fetch_history()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            looked.gone += 1


async def _in_turn(client: Client, *, task_queue: str, last: int) -> AsyncIterator[WorkflowExecution]:
    """One of each kind after the other, so that many of one do not hide the few of another."""
    left = last
    for state in STATES:
        lists = [
            client.list_workflows(f"TaskQueue = '{task_queue}' AND WorkflowType = '{name}' AND {state}", limit=left)
            for name in TYPES
        ]
        while lists and left:
            for executions in tuple(lists):
                execution = await anext(executions, None)
                if execution is None:
                    lists.remove(executions)
                elif left:
                    left -= 1
                    yield execution


def tell(looked: Looked) -> int:
    """The result, for people. Returns the exit code."""
    for name in sorted(looked.number):
        broken = sum(one.workflow == name for one in looked.failures)
        print(f"{name:20}{looked.number[name]:6} replayed{broken:6} cannot follow")
    if looked.gone:
        print(f"{looked.gone} were deleted before they could be read")
    if not looked.failures:
        print(f"All {looked.total} can follow.")
        return 0
    print(f"\n{len(looked.failures)} of {looked.total} cannot follow: see docs/changing-a-workflow.md\n")
    width = max(len(one.history.workflow_id) for one in looked.failures)
    for one in looked.failures:
        print(f"{one.history.workflow_id:{width}}  {one.history.run_id}  {one.told}")
    return 1


async def _main(settings: Settings, *, last: int) -> int:
    client = await connect(settings.engine, data_converter=data_converter(settings.payload_keys), patience=PATIENCE)
    try:
        return tell(await look(client, task_queue=settings.temporal_task_queue, last=last))
    except RPCError as error:
        print(f"Temporal at {settings.engine.address} cannot be looked at: {error.message}", file=sys.stderr)
        return CANNOT_LOOK


def main(arguments: Sequence[str]) -> int:
    """The command. Returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.replay.running", description="Whether what runs on a cluster can follow this code."
    )
    parser.add_argument("--last", type=int, default=500, help="how many workflows, the newest of each kind; 500")
    last = parser.parse_args(arguments).last
    if last < 1:
        parser.error("--last is a number from 1 on")
    return exit_code(lambda: asyncio.run(_main(settings_or_exit(), last=last)))


if __name__ == "__main__":
    end(main(sys.argv[1:]))
