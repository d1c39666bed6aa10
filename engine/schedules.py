"""Workflows that begin by themselves, as the service file lists them: made where they are missing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)

_LATE_BY_AT_MOST = timedelta(minutes=10)  # of an engine that was away; what is missed beyond that is not made up for
_CALL_TIMEOUT = timedelta(seconds=10)


@dataclass(frozen=True, kw_only=True)
class Recurring:
    """``workflow`` is a type that needs no input."""

    name: str
    workflow: str
    every: timedelta
    summary: str


def recurring(path: Path) -> list[Recurring]:
    """What the service file lists."""
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    every = TypeAdapter(timedelta)
    return [
        Recurring(
            name=name, workflow=line["workflow"], every=every.validate_python(line["every"]), summary=line["summary"]
        )
        for name, line in document["schedules"].items()
    ]


async def make_schedules(client: Client, wanted: Iterable[Recurring], *, task_queue: str) -> list[str]:
    """Make those that are missing in the client's namespace, and return their names. Safe to call again.

    One that exists stays as it is: somebody may have changed its times, or paused it.
    """
    made = []
    for each in wanted:
        schedule = Schedule(
            action=ScheduleActionStartWorkflow(
                each.workflow, id=f"{each.name}:by-schedule", task_queue=task_queue, static_summary=each.summary
            ),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=each.every)]),
            # One at a time: one that takes longer than usual is enough.
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_LATE_BY_AT_MOST),
        )
        try:
            await client.create_schedule(each.name, schedule, rpc_timeout=_CALL_TIMEOUT)
        except ScheduleAlreadyRunningError:
            continue
        made.append(each.name)
    return made
