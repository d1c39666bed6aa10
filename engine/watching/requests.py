"""Requests by route and status, and how long they took. No ids, no names."""

from collections.abc import Callable
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class RequestNumbers:
    """One registry per app, so that several may live in one process. ``program``: by which its numbers begin."""

    def __init__(self, program: str) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route")
        self.requests = Counter(
            f"{program}_requests", "Requests answered.", (*labels, "status"), registry=self.registry
        )
        self.seconds = Histogram(f"{program}_request_seconds", "Time to answer.", labels, registry=self.registry)

    def text(self) -> bytes:
        return generate_latest(self.registry)


def route_of(scope: Scope) -> str:
    """The template of the route that answered; one name for all that none did."""
    return str(getattr(scope.get("route"), "path", "none"))


class MeasureRequests:
    """ASGI middleware that counts what passes, by how a route is called."""

    def __init__(self, app: ASGIApp, *, numbers: RequestNumbers, called: Callable[[Scope], str] = route_of) -> None:
        self._app = app
        self._numbers = numbers
        self._called = called

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = perf_counter()
        try:
            await self._app(scope, receive, counted)
        finally:
            method, route = scope["method"], self._called(scope)
            self._numbers.seconds.labels(method, route).observe(perf_counter() - began)
            self._numbers.requests.labels(method, route, str(status)).inc()


def is_watching(scope: Scope) -> bool:
    """Whether somebody scrapes, or looks whether we live: that is nobody's request, and no trace is made of it."""
    return scope.get("path") in ("/healthz", "/readyz", "/metrics")
