"""Query parameters that a call does not know are refused, as unknown fields of a body are; and so is one that is said
twice, of which nobody could tell which one counts."""

import re
from collections.abc import Iterable
from typing import get_args, get_origin

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
    twice = [name for name in _said_once(route) if len(request.query_params.getlist(name)) > 1]
    if twice:
        raise wrong_fields([(name, "is said once") for name in twice])


def parameters_of(route: APIRoute) -> list[str]:
    """As they are written in an address."""
    return [field.alias for field in get_flat_params(route.dependant) if isinstance(field.field_info, Query)]


def _said_once(route: APIRoute) -> list[str]:
    """All but those that are lists."""
    fields = [field for field in get_flat_params(route.dependant) if isinstance(field.field_info, Query)]
    return [field.alias for field in fields if not _is_list(field.field_info.annotation)]


def _is_list(annotation: object) -> bool:
    return any(get_origin(part) is list for part in (annotation, *get_args(annotation)))


def _named(unknown: Iterable[str]) -> list[tuple[str, str]]:
    harmless = [name for name in unknown if _A_NAME.fullmatch(name)]
    if not harmless:
        return [("query", "has a parameter that this call does not know")]
    return [(name, "is not a parameter of this call") for name in harmless]
