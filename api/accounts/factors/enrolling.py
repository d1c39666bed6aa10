"""Where the practice demands a second factor: a sign-in without one opens nothing but setting one up."""

from fastapi import Request

from api.problems import Refused, refuse
from engine.watching.requests import route_of
from rules.refusals import Problem

_ENROLLING = "/v1/second-factors"
_BESIDE = ("GET /v1/me", "DELETE /v1/sessions/current")


def opens_without_factor(request: Request) -> bool:
    """Whether this call is for setting one up: such, and no other one, is open to whoever has none yet."""
    route = route_of(request.scope)
    return route == _ENROLLING or route.startswith(f"{_ENROLLING}/") or f"{request.method} {route}" in _BESIDE


def factor_to_set_up() -> Refused:
    """Nothing can be shown yet: ``factors`` is empty."""
    detail = f"The practice demands a second factor, and you have none yet: set one up first (POST {_ENROLLING})."
    return refuse(Problem.SECOND_FACTOR_REQUIRED, detail, factors=[])
