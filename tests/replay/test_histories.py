"""Journeys that are under way must go on under today's code: every recorded history is replayed."""

import json
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, WorkflowReplayResult

from engine.codec import data_converter
from tests.care.house import KEYS
from tests.replay.record import HISTORIES
from tests.replay.stories import STORIES
from worker import workflow_runner
from workflows.messages import STOP
from workflows.registry import WORKFLOWS

CORPUS = sorted(HISTORIES.glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def history_of(document: dict[str, Any]) -> WorkflowHistory:
    return WorkflowHistory.from_json(document["workflow_id"], document["history"])


async def replayed(history: WorkflowHistory) -> WorkflowReplayResult:
    replayer = Replayer(workflows=WORKFLOWS, data_converter=data_converter(KEYS), workflow_runner=workflow_runner())
    return await replayer.replay_workflow(history, raise_on_replay_failure=False)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path: Path) -> None:
    failure = (await replayed(history_of(read(path)))).replay_failure
    assert failure is None, f"{path.name} does not replay; see tests/replay/record.py. {failure}"


def test_the_corpus_has_every_story_and_every_workflow() -> None:
    assert {path.name.split(".")[0] for path in CORPUS} == {story.__name__ for story, _ in STORIES}
    events = [event for path in CORPUS for event in history_of(read(path)).events]
    types = {event.workflow_execution_started_event_attributes.workflow_type.name for event in events} - {""}
    names = {vars(each)["__temporal_workflow_definition"].name for each in WORKFLOWS}
    assert types == names
    kinds = {event.event_type for event in events}
    assert kinds >= {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
        EventType.EVENT_TYPE_TIMER_FIRED,
        EventType.EVENT_TYPE_TIMER_CANCELED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED,
        EventType.EVENT_TYPE_MARKER_RECORDED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
        EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED,
        EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED,
    }


def test_the_corpus_has_every_message_that_can_be_sent() -> None:
    events = [event for path in CORPUS for event in history_of(read(path)).events]
    said = {event.workflow_execution_signaled_event_attributes.signal_name for event in events}
    said |= {event.workflow_execution_update_accepted_event_attributes.accepted_request.input.name for event in events}
    definitions = [vars(each)["__temporal_workflow_definition"] for each in WORKFLOWS]
    known = {name for each in definitions for name in (*each.signals, *each.updates)}
    assert known - said == {STOP}  # an archive of many ends faster than a story could stop it


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("activityTaskScheduledEventAttributes", "activityType"),
        ("startChildWorkflowExecutionInitiatedEventAttributes", "workflowType"),
    ],
)
async def test_workflow_code_that_does_something_else_would_be_caught(part: str, change: str) -> None:
    """A history in which the recorded step has another name stands for code that now takes another step."""
    document = read(HISTORIES / "from_the_form_to_a_charge.journey.1.json")
    step = next(event[part] for event in document["history"]["events"] if part in event)
    step[change]["name"] = "something_else"
    failure = (await replayed(history_of(document))).replay_failure
    assert failure is not None
    assert "Nondeterminism" in str(failure) or "TMPRL1100" in str(failure)
