"""Which answers have a version: each such route says so, and of what its answer is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fastapi import Depends, params


class MadeOf(StrEnum):
    """``ONE``: of one client, whom the path or the view names, and of the practice; ``MANY``: of all whom the caller
    may see; ``PUBLIC``: the same, and of the practice alone for whoever sees nobody, with a token or without."""

    ONE = "one"
    MANY = "many"
    PUBLIC = "public"


@dataclass(frozen=True)
class Versioned:
    made_of: MadeOf

    async def __call__(self) -> None:
        """As a dependency it does nothing: it only stands at the route."""


def versioned(made_of: MadeOf) -> Any:
    """For ``dependencies=[...]`` of a GET whose answer follows from noted tables alone (``NOTED`` of the first
    migration), from the settings and from who asks. What follows from the time too, the route tells by `holds_until` of
    `api.access_log.shown`."""
    return Depends(Versioned(made_of))


def versioned_of(dependencies: Sequence[params.Depends]) -> MadeOf | None:
    said = [each.dependency.made_of for each in dependencies if isinstance(each.dependency, Versioned)]
    return said[-1] if said else None
