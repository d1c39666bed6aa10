"""Binding: whatever was sent becomes the argument of a message's handler, or a list of what is wrong with it.

A program sends one sound value. A person sends nothing, ``null``, two values, a value of another type, fields that
there are not, or leaves out what goes without saying: the id of the request, whose workflow it is, and who asks.
"""

from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, fields, is_dataclass, replace
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import NAMESPACE_OID, UUID, uuid5

from temporalio import workflow
from temporalio.common import RawValue

from workflows.parts.validation import flaws

with workflow.unsafe.imports_passed_through():
    from pydantic import TypeAdapter, ValidationError

    from rules.accounts.caller import VIA_TEMPORAL, Caller, through_temporal
    from rules.accounts.vouching import voucher_of

WHOLE = "input"  # the name of what is wrong when it is no field
NAMED_BY_THE_REQUEST = ("request_id", "refund_id")
_WRONG_FIELD = "has a field that this message does not know"


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a field: a name and a phrase of ours, never what was typed."""

    field: str
    message: str


class Unsound(Exception):
    """What was sent cannot be the argument."""

    def __init__(self, found: list[Flaw]) -> None:
        super().__init__("; ".join(f"{flaw.field} {flaw.message}" for flaw in found))
        self.flaws = found


@dataclass(frozen=True)
class Bound:
    """``by_hand``: it does not say whom it is by, so that anybody can believe it. ``ignored``: a field of it was."""

    order: Any
    by_hand: bool = False
    ignored: bool = False


def bind(
    message: str, kind: Any, said: tuple[Any, ...], *, own: Mapping[str, str], request_id: str, strict: bool = False
) -> Bound:
    """The argument, of type ``kind``. ``own`` are the ids that the workflow itself has, ``request_id`` is for who says
    none. ``strict``: a field that there is not is a flaw. Raises Unsound."""
    value = _only(said)
    names = field_names(kind)
    if not names:
        return Bound(_read(kind, value, strict=strict))
    given = {} if value is None else value
    if not isinstance(given, dict):
        raise Unsound([Flaw(WHOLE, "must be an object with fields")])
    filled = {**dict.fromkeys(NAMED_BY_THE_REQUEST, request_id), **own, **_said(given)}
    filled = {name: value for name, value in filled.items() if name in names or name in given}
    if isinstance(filled.get("request_id"), str):
        filled["request_id"] = as_id(filled["request_id"])
    by_hand = "by" in names and not _claims_a_voucher(filled, names)
    if by_hand:
        filled["by"] = VIA_TEMPORAL if "voucher" in names else through_temporal()
        filled.pop("voucher", None)
    try:
        order = _read(kind, filled, strict=strict)
    except Unsound as unsound:
        named = {flaw.field for flaw in unsound.flaws}
        raise Unsound([*unsound.flaws, *(flaw for flaw in _unsaid(kind, filled) if flaw.field not in named)]) from None
    if "by" in names and not by_hand:
        order = _under_its_name(order, message)
    return Bound(order, by_hand=by_hand, ignored=bool(given.keys() - names))


def check(order: object, own: Mapping[str, str]) -> None:
    """Raise Unsound for what no step could carry out, and for what is meant for another workflow."""
    found = [Flaw(*flaw.split(": ", 1)) for flaw in flaws(order)]
    if is_dataclass(order):
        found += _unsaid(type(order), vars(order))
    found += [Flaw(name, f"is not this one, {id}") for name, id in own.items() if getattr(order, name, id) != id]
    if found:
        raise Unsound(found)


def must_be_said(field: Field[Any]) -> bool:
    """Words that a person must say. In the message of a program they are empty: it hands them in beside it, or whoever
    asked for what it approves has said them."""
    return "words" in field.metadata and field.default == ""


def _unsaid(kind: Any, said: Mapping[str, Any]) -> list[Flaw]:
    """Words that nobody has said, neither in the message nor before it."""
    if said.get("handed_in") or said.get("approval"):
        return []
    wanted = (field.name for field in fields(kind) if must_be_said(field))
    return [Flaw(name, "is required") for name in wanted if not str(said.get(name) or "").strip()]


def as_id(said: str) -> str:
    """The id of a request, from whatever a person calls it."""
    try:
        return str(UUID(said))
    except ValueError:
        return str(uuid5(NAMESPACE_OID, said.encode(errors="replace").decode()))


@cache
def field_names(kind: Any) -> frozenset[str]:
    """The fields of a message; of a type without fields, none."""
    return frozenset(field.name for field in fields(kind)) if is_dataclass(kind) else frozenset()


def _only(said: tuple[Any, ...]) -> Any:
    if len(said) > 1:
        raise Unsound([Flaw(WHOLE, f"must be one value, and these are {len(said)}")])
    if said and isinstance(said[0], RawValue):
        raise Unsound([Flaw(WHOLE, "cannot be read: it is no JSON, or was encrypted with another key")])
    return said[0] if said else None


def _said(given: dict[str, Any]) -> dict[str, Any]:
    """What is said: of what goes without saying, an empty one is not."""
    silent = {*NAMED_BY_THE_REQUEST, "client_id", "appointment_id"}
    return {name: value for name, value in given.items() if value is not None or name not in silent}


def _claims_a_voucher(filled: Mapping[str, Any], names: frozenset[str]) -> bool:
    """Whether there is a voucher, right or wrong: the step that acts on it looks."""
    by = filled.get("by")
    voucher = filled.get("voucher") if "voucher" in names else by.get("voucher") if isinstance(by, dict) else None
    return isinstance(voucher, dict)


def _under_its_name(order: Any, message: str) -> Any:
    """The voucher counts for the message that was sent, whatever it says itself."""
    voucher = voucher_of(order)
    assert voucher is not None
    voucher = replace(voucher, message=message)
    if isinstance(order.by, Caller):
        return replace(order, by=replace(order.by, voucher=voucher))
    return replace(order, voucher=voucher)


# ---------------------------------------------------------------- types


_reader = cache(TypeAdapter[Any])  # one of a type for the whole process: they take long to make
_hints = cache(get_type_hints)


def _read(kind: Any, value: Any, *, strict: bool) -> Any:
    found = list(_unknown_fields(kind, value)) if strict else []
    try:
        order = _reader(kind).validate_python(value)
    except ValidationError as error:
        known = _names_within(kind)
        errors = error.errors(include_input=False, include_url=False, include_context=False)
        found += [_flaw(each, known) for each in errors]
        raise Unsound(list(dict.fromkeys(found))) from None
    if found:
        raise Unsound(found)
    return order


def _unknown_fields(kind: Any, value: Any, place: str = "") -> Iterator[Flaw]:
    if get_origin(kind) in (Union, UnionType):
        for part in get_args(kind):
            yield from _unknown_fields(part, value, place)
    elif isinstance(value, list):
        for part in get_args(kind):
            for each in value:
                yield from _unknown_fields(part, each, place)
    elif isinstance(value, dict) and field_names(kind):
        known = _hints(kind)
        if value.keys() - known.keys():
            yield Flaw(place or WHOLE, _WRONG_FIELD)
        for name in value.keys() & known.keys():
            yield from _unknown_fields(known[name], value[name], f"{place}.{name}".lstrip("."))


def _flaw(error: Mapping[str, Any], known: frozenset[str]) -> Flaw:
    # A name that is none of ours was typed by a person, and may say anything.
    field = ".".join(str(part) for part in error["loc"] if isinstance(part, int) or part in known) or WHOLE
    if error["type"] == "missing":
        return Flaw(field, "is required")
    message = str(error["msg"])
    return Flaw(field, (message[:1].lower() + message[1:]).replace("input should", "must"))


@cache
def _names_within(kind: Any) -> frozenset[str]:
    """The names of all fields of a type, and of the types that it is made of."""
    return frozenset(_names(kind, set()))


def _names(kind: Any, seen: set[Any]) -> Iterator[str]:
    for part in get_args(kind):
        yield from _names(part, seen)
    if isinstance(kind, type) and is_dataclass(kind) and kind not in seen:
        seen.add(kind)
        for name, hint in _hints(kind).items():
            yield name
            yield from _names(hint, seen)
