"""Words of people in orders: they are handed in beside the message, so that the engine never has them.

A field with the metadata ``WORDS`` may be filled in by somebody who types a message into the engine's UI; the API never
fills one in. It stores what was said as a row, and the order names it by ``handed_in``.
"""

from dataclasses import MISSING, fields, replace
from typing import Any, TypeVar

WORDS = {"words": True}
Order = TypeVar("Order")


def said_in(order: Any) -> dict[str, Any]:
    """The words that an order carries, by field; JSON."""
    return {
        field.name: getattr(order, field.name)
        for field in fields(order)
        if "words" in field.metadata and getattr(order, field.name) != _unsaid(field)
    }


def without_words(order: Order, *, handed_in: str) -> Order:
    """The order as it goes through the engine."""
    unsaid = {field.name: _unsaid(field) for field in fields(order) if "words" in field.metadata}  # type: ignore[arg-type]
    return replace(order, **unsaid, handed_in=handed_in)  # type: ignore[type-var]


def _unsaid(field: Any) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default
