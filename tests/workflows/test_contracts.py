"""Both sides of every message agree: names and types of steps and activities, of updates and handlers."""

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints
from unittest.mock import MagicMock

import pytest
from temporalio import activity, workflow

from activities.registry import GROUPS
from workflows import messages, steps
from workflows.messages import Update
from workflows.registry import WORKFLOWS

NO_NEED_OF_A_STEP: set[str] = set()


def activities() -> dict[str, Callable[..., Any]]:
    found = {}
    for group in GROUPS:
        for member in vars(group).values():
            definition = activity._Definition.from_callable(member) if callable(member) else None
            if definition is not None and definition.name is not None:
                found[definition.name] = member
    return found


def all_steps() -> dict[str, Callable[..., Any]]:
    return {
        name: function
        for name, function in inspect.getmembers(steps, inspect.iscoroutinefunction)
        if not name.startswith("_") and function.__module__ == steps.__name__
    }


def types_of(function: Callable[..., Any]) -> tuple[list[Any], Any]:
    hints = get_type_hints(function)
    result = hints.pop("return")
    return [hints[name] for name in inspect.signature(function).parameters if name != "self"], result


async def test_every_step_calls_an_activity_with_the_types_that_it_takes_and_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, tuple[Any, ...], Any]] = []

    async def note(name: str, *arguments: Any, result: Any, **_: Any) -> None:
        asked.append((name, arguments, result))

    monkeypatch.setattr(steps, "_write", note)
    monkeypatch.setattr(steps, "_call", note)
    registered, found = activities(), all_steps()
    assert len(found) > 20
    for function in found.values():
        parameters, gives = types_of(function)
        values = [MagicMock() for _ in parameters]
        await function(*values)
        name, arguments, result = asked[-1]
        assert list(arguments) == values, name
        takes, returns = types_of(registered[name])
        assert parameters == takes, name
        assert gives == returns, name
        assert result == returns, name
    assert {name for name, *_ in asked} == set(registered) - NO_NEED_OF_A_STEP


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
            assert types_of(update.fn) == ([constants[name].argument], constants[name].result), name
    assert handled == set(constants)
    journey = workflow._Definition.must_from_class(WORKFLOWS[0])
    assert {messages.ARCHIVE, messages.UNARCHIVE} <= set(journey.signals)


def test_only_workflows_with_an_init_may_have_handlers() -> None:
    for each in WORKFLOWS:  # a message right after a new run began would meet blank state
        assert list(inspect.signature(each.__init__).parameters)[1:], each
