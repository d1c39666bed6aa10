"""Every call that the application answers, as its router knows them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

_PARAMETER = re.compile(r"\{(\w+)\}")
NOBODYS = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, kw_only=True)
class Call:
    """``path`` as the route has it; ``address`` with something in each place."""

    method: str
    path: str
    route: APIRoute

    @property
    def address(self) -> str:
        return _PARAMETER.sub(lambda found: NOBODYS if found[1].endswith("id") else "one", self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def calls_of(app: FastAPI) -> Iterator[Call]:
    for each in iter_route_contexts(app.routes):
        route = each.original_route
        assert isinstance(route, APIRoute), "every route is one that the edge knows"
        for method in sorted(each.methods or ()):
            yield Call(method=method, path=str(each.path), route=route)
