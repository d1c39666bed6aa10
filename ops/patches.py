"""How many workflows still go the old way: ``python -m ops.patches``.

For each patch of `workflows.patches`, how many runs of its workflows are under way, and how many of them are not marked
by it. Once none is left, it can be deprecated; docs/changing-a-workflow.md says what comes then.
"""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from temporalio.client import Client
from temporalio.service import RPCError

from config import Settings, settings_or_exit
from engine.codec import data_converter
from engine.connect import connect
from engine.ending import end
from ops.connected import PATIENCE
from ops.leaving import CANNOT_LOOK, exit_code
from workflows.patches import PATCHES, Patch


@dataclass(frozen=True, kw_only=True)
class Marked:
    """Of a patch and one type of workflow: how many run, and how many of them without its mark."""

    patch: Patch
    workflow: str
    running: int
    without: int


async def look(client: Client, patches: Iterable[Patch], *, task_queue: str) -> list[Marked]:
    found = []
    for patch in patches:
        for name in patch.workflows:
            running = f"TaskQueue = '{task_queue}' AND WorkflowType = '{name}' AND ExecutionStatus = 'Running'"
            all_ = (await client.count_workflows(running)).count
            marked = (await client.count_workflows(f"{running} AND TemporalChangeVersion = '{patch.id}'")).count
            found.append(Marked(patch=patch, workflow=name, running=all_, without=all_ - marked))
    return found


def tell(found: Sequence[Marked]) -> None:
    if not found:
        print("There are no patches.")
    for one in found:
        print(
            f"{one.patch.id} ({one.patch.state}, since {one.patch.since}): {one.without} of {one.running} running"
            f" {one.workflow} without it"
        )


async def _main(settings: Settings) -> int:
    client = await connect(settings.engine, data_converter=data_converter(settings.payload_keys), patience=PATIENCE)
    try:
        tell(await look(client, PATCHES, task_queue=settings.temporal_task_queue))
    except RPCError as error:
        print(f"Temporal at {settings.engine.address} cannot be looked at: {error.message}", file=sys.stderr)
        return CANNOT_LOOK
    return 0


def main(arguments: Sequence[str]) -> int:
    """The command. Returns its exit code."""
    if arguments:
        print("usage: python -m ops.patches", file=sys.stderr)
        return CANNOT_LOOK
    return exit_code(lambda: asyncio.run(_main(settings_or_exit())))


if __name__ == "__main__":
    end(main(sys.argv[1:]))
