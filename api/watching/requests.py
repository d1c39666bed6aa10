"""Requests by route and status, and how long they took; what they stand on. No ids, no names."""

from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.watching.unreadable import UnreadableValues
from models.sealing import found_unreadable


class Metrics:
    """One registry per app, so that several may live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route")
        self.requests = Counter("api_requests", "Requests answered.", (*labels, "status"), registry=self.registry)
        self.reachable = Gauge("api_reachable", "1 where this server can use it.", ("what",), registry=self.registry)
        self.registry.register(UnreadableValues(found_unreadable))
        self.seconds = Histogram("api_request_seconds", "Time to answer.", labels, registry=self.registry)

    def text(self) -> bytes:
        return generate_latest(self.registry)


class MeasureRequests:
    """ASGI middleware that counts what passes."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

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
            method, route = scope["method"], route_of(scope)
            self._metrics.seconds.labels(method, route).observe(perf_counter() - began)
            self._metrics.requests.labels(method, route, str(status)).inc()


def route_of(scope: Scope) -> str:
    """The template of the route that answered; one name for all that none did."""
    return str(getattr(scope.get("route"), "path", "none"))


def is_watching(scope: Scope) -> bool:
    """Whether somebody scrapes, or looks whether we live: that is nobody's request, and no trace is made of it."""
    return scope.get("path") in ("/healthz", "/readyz", "/metrics")
