"""Every page there is, by the program's own routes, and the way to it: links that were seen, and those in mails."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.routing import Mount, Route

from web.app import create_app
from web.settings import WebSettings

A_LINK = "nothing"  # a made-up token: whoever comes with it sees that the link is no longer good


@dataclass(frozen=True)
class PageRoute:
    """``serves``: what answers it; the own account is served on both sides by the same."""

    path: str
    pattern: re.Pattern[str]
    serves: Callable[..., Any]

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)


def every_route() -> list[PageRoute]:
    """All that answer GET, of both sides, in the order in which the program tells them apart."""
    return list(_routes(create_app(WebSettings()).routes, ""))


def _routes(routes: Iterable[Any], before: str) -> Iterable[PageRoute]:
    for route in routes:
        if isinstance(route, Mount):
            yield from _routes(route.routes, before + route.path)
        elif (included := getattr(route, "original_router", None)) is not None:
            yield from _routes(included.routes, before)
        elif isinstance(route, Route) and "GET" in (route.methods or ()):
            pattern = re.compile("^" + re.escape(before) + route.path_regex.pattern.removeprefix("^"))
            yield PageRoute(before + route.path, pattern, route.endpoint)


@dataclass
class Everywhere:
    """What is known of the way: addresses that were seen and not walked, and which routes were."""

    site: str
    routes: list[PageRoute] = field(default_factory=every_route)
    walked: dict[str, str] = field(default_factory=dict)

    def route_of(self, address: str) -> PageRoute | None:
        path = urlsplit(address).path or "/"
        return next((route for route in self.routes if route.pattern.match(path)), None)

    def ours(self, address: str) -> bool:
        return address.startswith(self.site) and self.route_of(address) is not None

    def without_parameters(self, side: str) -> list[str]:
        found = [route.path for route in self.routes if not route.parameters]
        return [path for path in found if path.startswith("/staff") == (side == "staff")]

    def of_links(self, side: str) -> list[str]:
        """What somebody sees whose link is no longer good."""
        found = [route.path for route in self.routes if route.parameters == ["token"]]
        return [path.replace("{token}", A_LINK) for path in found if path.startswith("/staff") == (side == "staff")]

    def not_walked(self) -> list[str]:
        served = {route.serves for route in self.routes if route.path in self.walked}
        return sorted(route.path for route in self.routes if route.serves not in served)
