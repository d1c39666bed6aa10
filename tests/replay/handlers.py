"""Handlers of messages: which there are, and which of them a history has had to do with."""

from collections.abc import Iterator

from temporalio import workflow
from temporalio.client import WorkflowHistory

from workflows.registry import WORKFLOWS

Handled = tuple[str, str]  # the type of a workflow, and the name of a message


def _definitions() -> list[workflow._Definition]:
    return [workflow._Definition.must_from_class(each) for each in WORKFLOWS]


TYPES = tuple(str(each.name) for each in _definitions())


def updates() -> set[Handled]:
    return {(str(each.name), str(name)) for each in _definitions() for name in each.updates}


def signals() -> set[Handled]:
    return {(str(each.name), str(name)) for each in _definitions() for name in each.signals}


def queries() -> set[Handled]:
    return {(str(each.name), str(name)) for each in _definitions() for name in each.queries}


def type_of(history: WorkflowHistory) -> str:
    return history.events[0].workflow_execution_started_event_attributes.workflow_type.name


def handled(history: WorkflowHistory) -> set[Handled]:
    """The updates that were answered in it, and not by a refusal; and all signals that came."""
    return {(type_of(history), name) for name in (*_answered(history), *_came(history))}


def _answered(history: WorkflowHistory) -> Iterator[str]:
    names = dict[str, str]()
    for event in history.events:
        request = event.workflow_execution_update_accepted_event_attributes.accepted_request
        names[request.meta.update_id] = request.input.name
        answered = event.workflow_execution_update_completed_event_attributes
        if answered.outcome.HasField("success"):
            yield names[answered.meta.update_id]


def _came(history: WorkflowHistory) -> Iterator[str]:
    for event in history.events:
        if event.HasField("workflow_execution_signaled_event_attributes"):
            yield event.workflow_execution_signaled_event_attributes.signal_name
