"""HEAD for every GET, OPTIONS for every path, and an ``Allow`` that names all that a path answers to."""

from collections.abc import Sequence
from re import Pattern

from fastapi.routing import iter_route_contexts
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ORDER = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Methods:
    """ASGI middleware around the router, which knows the first route alone that a path fits."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._paths: list[tuple[Pattern[str], frozenset[str]]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] == "HEAD" and not self._has_route(scope, "HEAD"):
            await self._head(scope, receive, send)
        elif scope["method"] == "OPTIONS" and not self._has_route(scope, "OPTIONS"):
            await self._options(scope, receive, send)
        else:
            await self._app(scope, receive, self._allowing(scope, send))

    async def _options(self, scope: Scope, receive: Receive, send: Send) -> None:
        allowed = self._allowed(scope)
        if allowed:
            await Response(status_code=204, headers={"Allow": allowed})(scope, receive, send)
        else:
            await self._app(scope, receive, send)  # 404, in its own words

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As a GET, without what it would send. The server looks at the method once the answer begins."""
        allowing = self._allowing(scope, send)

        async def without_body(message: Message) -> None:
            scope["method"] = "HEAD"
            await allowing({**message, "body": b""} if message["type"] == "http.response.body" else message)

        scope["method"] = "GET"
        try:
            await self._app(scope, receive, without_body)
        finally:
            scope["method"] = "HEAD"

    def _allowing(self, scope: Scope, send: Send) -> Send:
        async def corrected(message: Message) -> None:
            if message["type"] == "http.response.start" and (
                message["status"] == 405 or (scope["method"] == "OPTIONS" and message["status"] < 300)
            ):
                MutableHeaders(scope=message)["Allow"] = self._allowed(scope)
            await send(message)

        return corrected

    def _allowed(self, scope: Scope) -> str:
        fitting = self._fitting(scope)
        if not fitting:
            return ""
        methods = frozenset({"OPTIONS"}).union(*fitting)
        methods |= {"HEAD"} if "GET" in methods else set()
        return ", ".join(method for method in _ORDER if method in methods)

    def _has_route(self, scope: Scope, method: str) -> bool:
        return any(method in methods for methods in self._fitting(scope))

    def _fitting(self, scope: Scope) -> list[frozenset[str]]:
        if self._paths is None:
            self._paths = _paths(scope["app"].routes)
        return [methods for regex, methods in self._paths if regex.match(scope["path"])]


def _paths(routes: Sequence[BaseRoute]) -> list[tuple[Pattern[str], frozenset[str]]]:
    return [(each.path_regex, frozenset(each.methods or ())) for each in iter_route_contexts(routes)]
