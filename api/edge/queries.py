"""Query parameters that a call does not know are refused, as unknown fields of a body are."""

import re
from collections.abc import Iterable

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute

from api.problems import wrong_fields

_A_NAME = re.compile(r"[A-Za-z][A-Za-z_]{0,31}")  # what a mistyped parameter looks like, and a secret does not


async def knows_its_query(request: Request) -> None:
    """A dependency of every call: the parameters are those that its route declares, whoever asks.

    Raises Refused, naming the unknown ones.
    """
    if not request.query_params:
        return
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    unknown = sorted(set(request.query_params) - set(parameters_of(route)))
    if unknown:
        raise wrong_fields(_named(unknown))


def parameters_of(route: APIRoute) -> list[str]:
    """As they are written in an address."""
    return [field.alias for field in get_flat_params(route.dependant) if isinstance(field.field_info, Query)]


def _named(unknown: Iterable[str]) -> list[tuple[str, str]]:
    harmless = [name for name in unknown if _A_NAME.fullmatch(name)]
    if not harmless:
        return [("query", "has a parameter that this call does not know")]
    return [(name, "is not a parameter of this call") for name in harmless]
