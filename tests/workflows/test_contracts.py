"""Both sides of every message agree: names and types of steps and activities, of updates and handlers."""

import ast
import inspect
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, get_type_hints
from unittest.mock import MagicMock

import pytest
from temporalio import activity, workflow

from activities.registry import GROUPS
from workflows import messages, steps
from workflows.client_journey import ClientJourney
from workflows.messages import Update
from workflows.registry import WORKFLOWS
from workflows.requests.base import Requests
from workflows.steps import LOCAL, LOCAL_TRIES, LOCALLY, UNLESS_BROKEN, Step

NO_NEED_OF_A_STEP: set[str] = set()


def activities() -> dict[str, Callable[..., Any]]:
    found = {}
    for group in GROUPS:
        for member in vars(group).values():
            definition = activity._Definition.from_callable(member) if callable(member) else None
            if definition is not None and definition.name is not None:
                found[definition.name] = member
    return found


def all_steps() -> dict[str, Step[Any, Any]]:
    return {name: value for name, value in vars(steps).items() if isinstance(value, Step)}


def types_of(function: Callable[..., Any]) -> tuple[list[Any], Any]:
    hints = get_type_hints(function)
    result = hints.pop("return")
    return [hints[name] for name in inspect.signature(function).parameters if name != "self"], result


def test_every_step_has_the_name_and_the_types_of_its_activity() -> None:
    registered, found = activities(), all_steps()
    assert len(found) > 20
    for name, step in found.items():
        assert step.name == name
        assert ([step.argument], step.result) == types_of(registered[name]), name
    assert set(found) == set(registered) - NO_NEED_OF_A_STEP


@pytest.mark.parametrize("name", all_steps())
async def test_a_step_asks_the_engine_for_its_activity(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def note(kind: str) -> Callable[..., Awaitable[object]]:
        async def execute(activity: str, **given: Any) -> object:
            asked.append((kind, {"activity": activity, **given}))
            return given["result_type"]

        return execute

    monkeypatch.setattr(workflow, "execute_local_activity", note("local"))
    monkeypatch.setattr(workflow, "execute_activity", note("ordinary"))
    step = all_steps()[name]
    order = MagicMock()
    answer = await step(order)
    [(kind, given)] = asked
    assert answer == given["result_type"] == step.result
    assert (given["activity"], given["args"]) == (name, (order,))
    assert kind == ("local" if step.where is LOCAL else "ordinary")
    assert given["start_to_close_timeout"] == step.where.longest
    assert given["retry_policy"] is (LOCALLY if kind == "local" else step.retry)
    assert isinstance(given["summary"], str)
    assert given["summary"], "what the support person reads in the history"


def test_a_step_that_asks_a_vendor_is_never_local() -> None:
    """A local one keeps the workflow task, and so every message, waiting with it."""
    for name, step in all_steps().items():
        assert step.where is not LOCAL or step.retry is UNLESS_BROKEN, name


def test_local_tries_end_by_their_count_before_the_bound_on_all_of_them() -> None:
    """A bound that falls between two tries is lost in the SDK core, and tries without a count would never end."""
    between = [
        LOCALLY.initial_interval * LOCALLY.backoff_coefficient**tried for tried in range(LOCALLY.maximum_attempts - 1)
    ]
    assert sum(between, start=timedelta()) < LOCAL.longest < LOCAL_TRIES


def handler_of(definition: Any) -> Callable[..., Any]:
    """What the workflow's author wrote: the engine knows what takes whatever comes."""
    handler: Callable[..., Any] = definition.fn.handler
    return handler


def test_every_message_has_a_description_and_every_update_its_types() -> None:
    constants = {value.name: value for value in vars(messages).values() if isinstance(value, Update)}
    handled = set()
    for each in WORKFLOWS:
        definition = workflow._Definition.must_from_class(each)
        assert definition.updates or definition.signals or definition.queries
        for kind in (definition.signals, definition.updates, definition.queries):
            for name, handler in kind.items():
                assert name
                assert handler.description, f"{definition.name}.{name}"
        for name, update in definition.updates.items():
            handled.add(name)
            assert name is not None
            assert types_of(handler_of(update)) == ([constants[name].argument], constants[name].result), name
    assert handled == set(constants)
    journey = workflow._Definition.must_from_class(WORKFLOWS[0])
    assert {messages.ARCHIVE, messages.UNARCHIVE} <= set(journey.signals)


def test_only_workflows_with_an_init_may_have_handlers() -> None:
    for each in WORKFLOWS:  # a message right after a new run began would meet blank state
        assert list(inspect.signature(each.__init__).parameters)[1:], each


def test_the_groups_of_requests_stand_side_by_side() -> None:
    """What a group needs is the journey: none inherits another, and none hides another's handler or method."""
    groups = ClientJourney.__bases__
    assert len(groups) >= 7
    assert all(group.__bases__ == (Requests,) for group in groups)
    own = Counter(name for group in (ClientJourney, *groups) for name in vars(group) if not name.startswith("__"))
    assert {name for name, number in own.items() if number > 1} == set()


def calls_of(name: str) -> list[ast.Call]:
    """All calls of this name in the workflows' code."""
    trees = (ast.parse(path.read_text()) for path in Path(steps.__file__).parent.rglob("*.py"))
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [call for call in calls if ast.unparse(call.func).rpartition(".")[2] == name]


def test_whoever_starts_what_follows_a_row_says_of_which_epoch_it_is() -> None:
    """Else the keeper takes it for one from before a restore, and replaces it."""
    started = [call for call in calls_of("start_child_workflow") if ast.unparse(call.args[0]) != "KEEP_JOURNEYS"]
    assert len(started) > 2
    for call in started:
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        attributes = given.get("search_attributes", "")
        assert attributes.partition("(")[0] in ("own_epoch", "with_own_epoch"), ast.unparse(call)


def test_cancellation_is_obeyed_by_archives_of_many_and_comparisons_alone() -> None:
    heedless = {each.__name__ for each in WORKFLOWS if "await heedless(" in inspect.getsource(each)}
    assert {each.__name__ for each in WORKFLOWS} - heedless == {"BulkArchive", "ReconcilePayments"}
