"""Counting what a piece of work costs: statements and transactions of the database, events and actions of the engine.

Counts are exact on any machine, unlike times, and so a test can hold them.
"""

import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from greenlet import getcurrent  # type: ignore[import-untyped]
from sqlalchemy import Connection, Engine, event
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHandle

ROOT = Path(__file__).resolve().parent.parent
_OURS = tuple(str(ROOT / floor) for floor in ("api", "activities", "models", "engine"))
_PROGRAMS = tuple(str(ROOT / floor) for floor in ("api", "activities"))
_AROUND = (str(ROOT / "api" / "edge"), str(ROOT / "activities" / "failures.py"))  # every request, every step
BESIDE = {
    "access log": ("access_line", "access_block", "access_repeat", "chained_access"),
    "events for programs": ("event",),
    "what changed, for cheap reading": ("row_change",),
    "answers that are kept": ("idempotency_key", "step_answer"),
    "budgets of calls": ("budget_use",),
}
"""What is counted on lines of its own, by the tables that it is kept in."""


@dataclass(frozen=True)
class AskedStatement:
    """One statement. ``place`` is the line of ours that asked for it, as ``models/reads/journey.py:57``, and ``within``
    the line of the step or the request in which that was."""

    statement: str
    place: str
    within: str

    @property
    def table(self) -> str:
        found = re.search(r"(?:INSERT INTO|UPDATE|DELETE FROM|FROM)\s+\"?(\w+)", self.statement)
        return found.group(1) if found else ""

    @property
    def beside(self) -> str | None:
        """The line on which it is counted, if it is not part of the work itself."""
        return next((line for line, tables in BESIDE.items() if self.table in tables), None)


@dataclass
class Statements:
    """What was asked, in order, and in how many transactions. BEGIN, COMMIT and ROLLBACK are not among the asked."""

    asked: list[AskedStatement] = field(default_factory=list)
    transactions: int = 0

    @property
    def own(self) -> int:
        """The statements of the work itself."""
        return sum(one.beside is None for one in self.asked)

    @property
    def beside(self) -> Counter[str]:
        """The others, by the line that they are counted on."""
        return Counter(one.beside for one in self.asked if one.beside is not None)


@contextmanager
def counted() -> Iterator[Statements]:
    """The statements that our programs ask inside the block, on every engine of this process. What only the teller of
    a story asks, to look at something, is none of them."""
    found, busy = Statements(), set[int]()

    def note(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        place, within = _places()
        if within:
            found.asked.append(AskedStatement(" ".join(statement.split()), place, within))
            busy.add(id(connection))

    def end(connection: Connection) -> None:
        if id(connection) in busy:
            busy.discard(id(connection))
            found.transactions += 1

    event.listen(Engine, "before_cursor_execute", note)
    event.listen(Engine, "commit", end)
    event.listen(Engine, "rollback", end)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        event.remove(Engine, "commit", end)
        event.remove(Engine, "rollback", end)


def _places() -> tuple[str, str]:
    place = within = ""
    for frame in _frames():
        file = frame.f_code.co_filename
        if file.startswith(_OURS):
            here = f"{file.removeprefix(str(ROOT) + '/')}:{frame.f_lineno}"
            place = place or here
            if file.startswith(_PROGRAMS) and not file.startswith(_AROUND):
                within = here
        elif within and "/tests/" in file:
            break  # a story that calls our code to look at something
    return place, within


def _frames() -> Iterator[FrameType]:
    """From the innermost out; SQLAlchemy runs the driver in a greenlet, whose parent is where it was awaited."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - there is no other way to the frames of a greenlet's parent
    greenlet = getcurrent()
    while True:
        while frame is not None:
            yield frame
            frame = frame.f_back
        parent = greenlet.parent
        if parent is None:
            return
        greenlet, frame = parent, parent.gr_frame


# ---------------------------------------------------------------- histories


@dataclass
class Histories:
    """Events, billable actions and bytes of workflows, each by what they are.

    Actions by Temporal's published rules: a start, and twice that for a child's; each timer, each try of an activity,
    each signal and update that arrives, each change of search attributes, and all local activities of one workflow
    task together. Queries are in no history.
    """

    events: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)

    def add(self, events: Iterable[HistoryEvent]) -> None:
        local_of = set[int]()
        for one in events:
            name = EventType.Name(one.event_type).removeprefix("EVENT_TYPE_").lower()
            self.events[name] += 1
            self.bytes[name] += one.ByteSize()
            action = _ACTIONS.get(one.event_type)
            if one.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
                self.actions["activity"] += one.activity_task_started_event_attributes.attempt
            elif one.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
                marker = one.marker_recorded_event_attributes
                task = marker.workflow_task_completed_event_id
                if marker.marker_name == "core_local_activity" and task not in local_of:
                    local_of.add(task)
                    self.actions["local activities of a task"] += 1
            elif action is not None:
                self.actions[action] += 1


_ACTIONS = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: "start",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: "continue as new",
    EventType.EVENT_TYPE_TIMER_STARTED: "timer",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: "signal",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: "update",
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: "search attributes",
    # Beside the one of its own start, which is in its own history.
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: "start of a child",
}


async def histories_of(*workflows: WorkflowHandle[Any, Any]) -> Histories:
    """Of the run that each handle means, each with all that it has been."""
    found = Histories()
    for workflow in workflows:
        found.add([one async for one in _events(workflow)])
    return found


async def _events(workflow: WorkflowHandle[Any, Any]) -> AsyncIterator[HistoryEvent]:
    async for one in workflow.fetch_history_events():
        yield one
