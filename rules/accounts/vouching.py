"""Who a message is by, and whether that can be believed: a message authentication code (MAC) over what it names.

Whoever may write into the engine's UI can type any name. So the API vouches for each message that it sends, by a code
that only a holder of the key can make, and a step believes only a name that is vouched for. Anybody else is known by
what the engine's history tells: "via Temporal".

A message is by a ``Caller``, which carries its voucher, or by an actor's name (a text in ``by``), whose voucher stands
beside it in ``voucher``.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from rules.accounts.caller import Caller, Voucher

PURPOSE = "vouching"  # of the key, which is derived from the payloads' own
SYSTEM_MESSAGES = "system."  # what the names of messages begin with that are not for people
Order = TypeVar("Order")


def sworn(by: Caller | str, *, workflow_id: str, message: str, request_id: str) -> tuple[str, ...]:
    """What a voucher is about: who, to which workflow, by which message, in which request."""
    who = (by,) if isinstance(by, str) else (by.role.value, by.name, by.client_id, by.therapist, by.known_as)
    if isinstance(by, Caller) and by.by_pass:
        who = (*who, "by pass")
    return (*(part or "" for part in who), workflow_id, message, request_id)


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
    """The same, with a voucher for whom it names. What names nobody stays as it is."""
    if not says_who(order):
        return order
    what: Any = order
    mac = sign(sworn(what.by, workflow_id=workflow_id, message=message, request_id=what.request_id))
    voucher = Voucher(message=message, mac=mac)
    if isinstance(what.by, Caller):
        return named(order, what.by, voucher)
    signed: Order = replace(what, voucher=voucher)
    return signed


def is_vouched(order: Any, *, workflow_id: str, holds: Callable[[str, tuple[str, ...]], bool]) -> bool:
    """Whether the voucher is for just this: the one who is named, to this workflow, in this request."""
    voucher = voucher_of(order)
    if voucher is None:
        return False
    about = sworn(order.by, workflow_id=workflow_id, message=voucher.message, request_id=order.request_id)
    return holds(voucher.mac, about)
