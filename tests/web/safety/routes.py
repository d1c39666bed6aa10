"""Every route of the pages, as the program itself has them."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from web.app import create_app
from web.settings import WebSettings


def routes_of(app: Any) -> Iterator[tuple[str, str]]:
    """Method and path, as each is written in the program."""
    stack = list(app.routes)
    while stack:
        route = stack.pop()
        inner = getattr(route, "original_router", None) or getattr(route, "router", None)
        if inner is not None and hasattr(inner, "routes"):
            stack += inner.routes
        else:
            yield from ((method, route.path) for method in getattr(route, "methods", None) or () if method != "HEAD")


@cache
def every_route(**settings: Any) -> list[tuple[str, str]]:
    """Of both sides, with ``/staff`` before the practice's."""
    app = create_app(WebSettings(**settings))
    of_staff = ((method, f"/staff{path}") for method, path in routes_of(app.state.staff))
    return sorted({*routes_of(app), *of_staff})
