"""Commands: what a workflow asked of the engine, as its history has recorded it, and as the code asks for it now."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_commands import UpdateResponse, WorkflowCommand
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter

PATCHES = "TemporalChangeVersion"  # the attribute that the engine itself sets beside a patch's marker
_LOCAL_STEP, _PATCH = "core_local_activity", "core_patch"
_TAKEN_IN, _ANSWER = "the taking in of the update", "the answer to the update"


@dataclass(frozen=True)
class Command:
    """``kind`` and ``name`` must stay what they are; ``label`` is what people read, and may change.

    ``place`` is the number of its event; of what the code asks for now, of the workflow task in which it does.
    """

    kind: str
    name: str = ""
    label: str = field(default="", compare=False)
    place: int = field(default=0, compare=False)

    def __str__(self) -> str:
        name = f" `{self.name}`" if self.name else ""
        label = f" ({self.label})" if self.label else ""
        return f"{self.kind}{name}{label}"


# ---------------------------------------------------------------- as recorded


async def recorded(history: WorkflowHistory, converter: DataConverter) -> list[Command]:
    """What the history says was asked for, in order. Labels are decoded, nothing else is."""
    found = []
    updates = dict[str, str]()  # their names, by the id of the request
    for event in history.events:
        if event.HasField("workflow_execution_update_accepted_event_attributes"):
            request = event.workflow_execution_update_accepted_event_attributes.accepted_request
            updates[request.meta.update_id] = request.input.name
        tell = _RECORDED.get(event.event_type)
        told = tell(event) if tell else None
        if event.HasField("workflow_execution_update_completed_event_attributes"):
            told = _ANSWER, updates[event.workflow_execution_update_completed_event_attributes.meta.update_id]
        if told is None:
            continue
        label = ""
        if event.user_metadata.HasField("summary"):
            [label] = await converter.decode([event.user_metadata.summary], [str])
        found.append(Command(told[0], told[1], label=label, place=event.event_id))
    return found


def _marker(event: HistoryEvent) -> tuple[str, str]:
    marker = event.marker_recorded_event_attributes
    if marker.marker_name == _LOCAL_STEP:
        [data] = marker.details["data"].payloads
        return "the step", str(json.loads(data.data)["activity_type"])
    if marker.marker_name == _PATCH:
        [data] = marker.details["patch-data"].payloads
        return "the patch", str(json.loads(data.data)["id"])
    return "a marker", marker.marker_name


def _attributes(event: HistoryEvent) -> tuple[str, str] | None:
    names = event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
    return None if PATCHES in names else ("the search attributes", _listed(names))


def _sent(signal: Any) -> tuple[str, str]:
    return "the signal", f"{signal.signal_name} to {signal.workflow_execution.workflow_id}"


_Told = tuple[str, str] | None  # kind and name; None for what is not compared
_RECORDED: dict[int, Callable[[HistoryEvent], _Told]] = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: lambda event: (
        "the step",
        event.activity_task_scheduled_event_attributes.activity_type.name,
    ),
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED: lambda _: ("the cancellation of a step", ""),
    EventType.EVENT_TYPE_MARKER_RECORDED: _marker,
    EventType.EVENT_TYPE_TIMER_STARTED: lambda _: ("a timer", ""),
    EventType.EVENT_TYPE_TIMER_CANCELED: lambda _: ("the end of a timer", ""),
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: lambda event: (
        "the workflow",
        event.start_child_workflow_execution_initiated_event_attributes.workflow_type.name,
    ),
    EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: lambda event: _sent(
        event.signal_external_workflow_execution_initiated_event_attributes
    ),
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: _attributes,
    EventType.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED: lambda _: ("the memo", ""),
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: lambda event: (
        _TAKEN_IN,
        event.workflow_execution_update_accepted_event_attributes.accepted_request.input.name,
    ),
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: lambda _: ("the end of the workflow", ""),
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: lambda _: ("the failure of the workflow", ""),
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: lambda _: ("the end of the workflow as cancelled", ""),
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: lambda _: ("the next run", ""),
}


# ---------------------------------------------------------------- as asked for now


class Asked:
    """What the code asks for in one replay, activation by activation, with labels as they are before encryption."""

    def __init__(self, converter: DataConverter) -> None:
        self.failure = ""  # what the code itself raised, if it did
        self.failed_after = 0  # which event
        self.answered: set[str] = set()  # queries, asked at the end
        self._converter = converter
        self._found: list[tuple[str, Command]] = []  # each with a key that names a timer, or is empty
        self._local: dict[int, Command] = {}  # local steps that are under way, by number
        self._updates: dict[str, str] = {}  # names of updates, by the engine's id of each
        self._taken_in: set[str] = set()

    def note(self, activation: WorkflowActivation, commands: Iterable[WorkflowCommand]) -> None:
        """A local step stands where its answer came: there its marker is."""
        place = activation.history_length
        for job in activation.jobs:
            if job.HasField("resolve_activity") and job.resolve_activity.is_local:
                begun = self._local.pop(job.resolve_activity.seq, None)
                if begun is not None:
                    self._found.append(("", begun))
            elif job.HasField("do_update"):
                self._updates[job.do_update.protocol_instance_id] = job.do_update.name
        for command in commands:
            self._note(command, place)

    def fail(self, activation: WorkflowActivation, failure: Failure) -> None:
        """The code raises. What was raised is not encrypted yet; of a trace the last line with a place is enough."""
        places = [line.strip() for line in failure.stack_trace.splitlines() if line.lstrip().startswith("File ")]
        self.failure = " - ".join(part for part in (failure.message, *places[-1:]) if part)
        self.failed_after = activation.history_length

    def all(self, *, until: int) -> list[Command]:
        """In order, and last the local steps without an answer. ``until``: the newest task that counts."""
        found = [command for _, command in self._found] + list(self._local.values())
        return [command for command in found if command.place <= until]

    def _note(self, command: WorkflowCommand, place: int) -> None:
        variant = command.WhichOneof("variant") or ""
        if variant == "cancel_timer":
            key = f"timer {command.cancel_timer.seq}"
            begun = next((each for each in self._found if each[0] == key), None)
            if begun is not None and begun[1].place == place:
                self._found.remove(begun)  # begun and ended in one task: the engine hears of neither
                return
            self._found.append(("", Command("the end of a timer", place=place)))
            return
        told = self._update(command.update_response) if variant == "update_response" else None
        if variant in _ASKED:
            told = _ASKED[variant](command)
        if told is None:
            return
        asked = Command(told[0], told[1], label=self._label(command), place=place)
        if variant == "schedule_local_activity":
            self._local[command.schedule_local_activity.seq] = asked
            return
        self._found.append((f"timer {command.start_timer.seq}" if variant == "start_timer" else "", asked))

    def _update(self, answer: UpdateResponse) -> "_Told":
        """One that was refused before it was taken in is in no history."""
        id = answer.protocol_instance_id
        if answer.HasField("accepted"):
            self._taken_in.add(id)
            return _TAKEN_IN, self._updates[id]
        return (_ANSWER, self._updates[id]) if id in self._taken_in else None

    def _label(self, command: WorkflowCommand) -> str:
        if not command.user_metadata.HasField("summary"):
            return ""
        return str(self._converter.payload_converter.from_payload(command.user_metadata.summary, str))


_ASKED: dict[str, Callable[[Any], _Told]] = {
    "schedule_activity": lambda each: ("the step", each.schedule_activity.activity_type),
    "schedule_local_activity": lambda each: ("the step", each.schedule_local_activity.activity_type),
    "request_cancel_activity": lambda _: ("the cancellation of a step", ""),
    "start_timer": lambda _: ("a timer", ""),
    "start_child_workflow_execution": lambda each: (
        "the workflow",
        each.start_child_workflow_execution.workflow_type,
    ),
    "signal_external_workflow_execution": lambda each: _sent(each.signal_external_workflow_execution),
    "upsert_workflow_search_attributes": lambda each: (
        "the search attributes",
        _listed(each.upsert_workflow_search_attributes.search_attributes.indexed_fields),
    ),
    "modify_workflow_properties": lambda _: ("the memo", ""),
    "set_patch_marker": lambda each: ("the patch", each.set_patch_marker.patch_id),
    "complete_workflow_execution": lambda _: ("the end of the workflow", ""),
    "fail_workflow_execution": lambda _: ("the failure of the workflow", ""),
    "cancel_workflow_execution": lambda _: ("the end of the workflow as cancelled", ""),
    "continue_as_new_workflow_execution": lambda _: ("the next run", ""),
}


def _listed(names: Any) -> str:
    return ", ".join(sorted(names))
