"""Who a message is by, and whether that can be believed: a message authentication code (MAC) over what it names.

Whoever may write into the engine's UI can type any name. So the API vouches for each message that it sends, by a code
that only a holder of the key can make, and a step believes only a name that is vouched for. Anybody else is known by
what the engine's history tells: "via Temporal".

A message is by a ``Caller``, which carries its voucher, or by an actor's name (a text in ``by``), whose voucher stands
beside it in ``voucher``. It is for what is asked as well: whoever copies a message can change nothing in it.

It runs inside workflows: docs/changing-a-workflow.md says how it is changed.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar

from rules.accounts.caller import Caller, Voucher

PURPOSE = "vouching"  # of the key, which is derived from the payloads' own
SYSTEM_MESSAGES = "system."  # what the names of messages begin with that are not for people
Order = TypeVar("Order")

_SWORN_APART = frozenset({"by", "voucher", "request_id"})
_THE_WORKFLOWS_OWN = frozenset({"client_id", "appointment_id"})  # a message may leave them out


def sworn(by: Caller | str, *, workflow_id: str, message: str, request_id: str, content: str) -> tuple[str, ...]:
    """What a voucher is about: who asks, of which workflow, by which message, in which request, for what (its
    ``content``)."""
    who = (by,) if isinstance(by, str) else (by.role.value, by.name, by.client_id, by.therapist, by.known_as)
    if isinstance(by, Caller) and by.by_pass:
        who = (*who, "by pass")
    return (*(part or "" for part in who), workflow_id, message, request_id, content)


def content_of(order: object, *, workflow_id: str) -> str:
    """A digest of what a message asks of this workflow: SHA-256, in hex. The same for a message and for the order of
    the step to which it is handed over.

    A field at its default counts as one that is not there. So a later version of the code, whose messages have one
    field more, believes what was sent before.
    """
    said = dict(_said(order, own=workflow_id.partition(":")[2]))
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _said(order: Any, *, own: str | None = None) -> Iterator[tuple[str, object]]:
    """The fields that say something, for JSON. ``own`` is the id of the workflow itself, for the message as a whole."""
    for field in fields(order):
        value = getattr(order, field.name)
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        told_apart = own is not None and (
            field.name in _SWORN_APART or (field.name in _THE_WORKFLOWS_OWN and value == own)
        )
        if value != default and not told_apart:
            yield field.name, _plain(value)


def _plain(value: Any) -> object:
    """As JSON has it, however the engine has carried it: an instant in UTC, a set in order."""
    if is_dataclass(value):
        return dict(_said(value))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(str(_plain(each)) for each in value)
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def is_system(message: str) -> bool:
    """Whether a message is for the product's own programs alone."""
    return message.startswith(SYSTEM_MESSAGES)


def says_who(order: object) -> bool:
    """Whether this is a message, or a step's order, that names whom it is by."""
    return hasattr(order, "by") and hasattr(order, "request_id")


def voucher_of(order: Any) -> Voucher | None:
    found = order.by.voucher if isinstance(order.by, Caller) else getattr(order, "voucher", None)
    return found if isinstance(found, Voucher) else None


def named(order: Order, by: Caller, voucher: Voucher | None) -> Order:
    """The same, by somebody else, with the voucher for it."""
    what: Any = order
    if hasattr(what, "voucher"):
        named: Order = replace(what, by=by.actor, voucher=voucher)
    else:
        named = replace(what, by=replace(by, voucher=voucher))
    return named


def vouched(order: Order, *, workflow_id: str, message: str, sign: Callable[[tuple[str, ...]], str]) -> Order:
    """The same, with a voucher for whom it names, and for what it asks. What names nobody stays as it is."""
    if not says_who(order):
        return order
    what: Any = order
    voucher = Voucher(message=message, mac=sign(_about(what, workflow_id=workflow_id, message=message)))
    if isinstance(what.by, Caller):
        return named(order, what.by, voucher)
    signed: Order = replace(what, voucher=voucher)
    return signed


def is_vouched(order: Any, *, workflow_id: str, holds: Callable[[str, tuple[str, ...]], bool]) -> bool:
    """Whether the voucher is for just this: what the one who is named asks of this workflow, in this request."""
    voucher = voucher_of(order)
    if voucher is None:
        return False
    return holds(voucher.mac, _about(order, workflow_id=workflow_id, message=voucher.message))


def _about(order: Any, *, workflow_id: str, message: str) -> tuple[str, ...]:
    content = content_of(order, workflow_id=workflow_id)
    return sworn(order.by, workflow_id=workflow_id, message=message, request_id=order.request_id, content=content)
