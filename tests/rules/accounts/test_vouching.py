"""What a voucher is for: nothing in a vouched message can be changed, and what carries it may carry it as it likes."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, make_dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from activities.types.archive import ArchiveOrder, UnarchiveOrder
from activities.types.booking import LinksOrder
from engine.codec import data_converter
from engine.vouching import Vouching
from rules.accounts.caller import Caller
from rules.accounts.vouching import PURPOSE, content_of, is_vouched, says_who, vouched
from rules.enums import Role
from tests.care.house import KEYS
from workflows import messages
from workflows.handling.binding import bind
from workflows.messages import ArchiveSignal, LinksSignal, UnarchiveSignal, Update, appointment_workflow_id, journey_id

VOUCHING = Vouching(KEYS, PURPOSE)
ID = "5d0a0c5e-0000-4000-8000-00000000000"
OWN = {"client_id": ID + "1"}
WORKFLOW = journey_id(OWN["client_id"])
_APART = {"by", "voucher", "request_id"}


@cache
def _orders() -> tuple[type, ...]:
    """Every message that says whom it is by."""
    updates = {each.argument for each in vars(messages).values() if isinstance(each, Update)}
    signals: set[Any] = {each for name, each in vars(messages).items() if name.endswith("Signal")}
    named = {each for each in updates | signals if {"by", "request_id"} <= {field.name for field in fields(each)}}
    return tuple(sorted(named, key=lambda each: each.__name__))


def made(kind: Any, number: int = 0) -> Any:
    """A value of this type; another one for another number."""
    options = [each for each in get_args(kind) if each is not type(None)]
    if get_origin(kind) in (Union, UnionType):
        return made(options[0], number)
    if get_origin(kind) is dict:
        return {"a": made(options[1], number)}
    if get_origin(kind) in (list, tuple, set, frozenset):
        return get_origin(kind)([made(options[0], number)])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return list(kind)[number]
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{field.name: made(hints[field.name], number) for field in fields(kind)})  # type: ignore[operator]
    if kind is datetime:
        return datetime(2026, 11, 3 + number, 9, tzinfo=timezone(timedelta(hours=-5)))
    return {bool: number == 0, int: 7 + number, float: 0.5 + number}.get(kind, f"{ID}{number + 2}")


def order_of(kind: Any) -> Any:
    """As the API sends it, with each of its fields filled in."""
    hints = get_type_hints(kind)
    desk = Caller(role=Role.CARE_TEAM, name="desk")
    said = {"request_id": ID + "9", "by": desk if hints["by"] is Caller else "care_team:desk", "voucher": None}
    own = OWN if "client_id" in hints else {}
    filled = {field.name: made(hints[field.name]) for field in fields(kind)} | said | own
    return signed(kind(**{name: value for name, value in filled.items() if name in hints}))


def signed(order: Any, *, workflow_id: str = WORKFLOW) -> Any:
    return vouched(order, workflow_id=workflow_id, message="m", sign=VOUCHING.sign)


def is_believed(order: Any, *, workflow_id: str = WORKFLOW) -> bool:
    return is_vouched(order, workflow_id=workflow_id, holds=VOUCHING.holds)


def changed(order: Any) -> Iterator[tuple[str, Any]]:
    """The same with another value in one field, or without it, one field after the other."""
    hints = get_type_hints(type(order))
    for field in fields(order):
        if field.name in _APART:
            continue
        others = [made(hints[field.name], 1)]
        if field.default is not dataclasses.MISSING:
            others.append(field.default)
        value = getattr(order, field.name)
        if is_dataclass(value) and not isinstance(value, type):
            others += [replace(value, **{name: each}) for name, each in vars(made(hints[field.name], 1)).items()]
        yield from ((field.name, replace(order, **{field.name: other})) for other in others if other != value)


@pytest.mark.parametrize("kind", _orders())
def test_no_field_of_a_vouched_message_can_be_changed(kind: type) -> None:
    order = order_of(kind)
    assert says_who(order)
    assert is_believed(order)
    tried = list(changed(order))
    said = {field.name for field in fields(kind)} - _APART
    assert {name for name, _ in tried} == said
    assert [name for name, other in tried if is_believed(other)] == []
    assert not is_believed(order, workflow_id=journey_id(ID + "8"))


@pytest.mark.parametrize("kind", _orders())
async def test_it_is_believed_however_the_engine_carried_it(kind: type) -> None:
    order = order_of(kind)
    converter = data_converter(KEYS)
    [carried] = await converter.decode(await converter.encode([order]))
    assert isinstance(carried, dict)
    back = dict(reversed(carried.items()))
    own = OWN if "client_id" in carried else {}
    bound = bind("m", kind, (back,), own=own, request_id=ID + "7", strict=True)
    assert (bound.by_hand, is_believed(bound.order)) == (False, True)


@pytest.mark.parametrize(
    ("signal", "order"), [(ArchiveSignal, ArchiveOrder), (UnarchiveSignal, UnarchiveOrder), (LinksSignal, LinksOrder)]
)
def test_a_signal_is_believed_as_the_order_of_its_step(signal: type, order: Any) -> None:
    sent = order_of(signal)
    assert is_believed(order(**OWN, **vars(sent)))
    assert not is_believed(order(client_id=ID + "8", **vars(sent)))


def test_whose_workflow_it_is_may_go_without_saying_and_another_s_id_may_not() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Hint:
        client_id: str = ""
        appointment_id: str = ""

    said = content_of(Hint(client_id=OWN["client_id"]), workflow_id=WORKFLOW)
    assert said == content_of(Hint(), workflow_id=WORKFLOW)
    assert said != content_of(Hint(appointment_id=ID + "3"), workflow_id=WORKFLOW)
    assert said == content_of(Hint(appointment_id=ID + "3"), workflow_id=appointment_workflow_id(ID + "3"))


@pytest.mark.parametrize("kind", _orders())
def test_a_later_version_with_one_more_field_believes_it(kind: Any) -> None:
    order = order_of(kind)
    later = make_dataclass(
        "Later", [("later", str | None, dataclasses.field(default=None))], bases=(kind,), frozen=True, kw_only=True
    )
    assert is_believed(later(**vars(order)))
    assert not is_believed(later(**vars(order), later="x"))


def test_an_instant_is_the_same_in_any_zone() -> None:
    order = order_of(messages.BOOK.argument)
    assert is_believed(replace(order, starts_at=order.starts_at.astimezone(UTC)))
