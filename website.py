"""The pages: ``python website.py``, as many as needed behind one address. They know the API, and nothing behind it."""

import sys
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response
from starlette.types import Scope

from engine.watching.requests import MeasureRequests, RequestNumbers, route_of
from web.app import create_app
from web.edge.cookies import STAFF
from web.settings import WebSettings, WrongSettings, read_settings

log = structlog.get_logger("pages")


def counted(settings: WebSettings, **more: Any) -> FastAPI:
    """The pages, with their numbers at ``/metrics``."""
    app, numbers = create_app(settings, **more), RequestNumbers("pages")

    async def metrics() -> Response:
        return Response(numbers.text(), media_type=CONTENT_TYPE_LATEST)

    app.add_api_route("/metrics", metrics)
    app.add_middleware(MeasureRequests, numbers=numbers, called=_called)
    return app


def _called(scope: Scope) -> str:
    """Those for staff begin with ``/staff``, wherever ``STAFF_URL`` is."""
    route = route_of(scope)
    return f"/staff{route}" if "route" in scope and scope["app"].state.side == STAFF else route


def main() -> int:
    try:
        settings = read_settings()
    except WrongSettings as wrong:
        print(wrong, file=sys.stderr)
        return 2
    tracing = None
    if settings.traces:
        from engine.watching.traces import tracing_to_otlp  # noqa: PLC0415 - which brings the engine's library with it

        tracing = tracing_to_otlp(service="care-journeys-pages")
    log.info("Serving", address=settings.site_url)
    try:
        uvicorn.run(
            counted(settings),
            host=settings.web_host,
            port=settings.web_port,
            access_log=False,
            server_header=False,
            log_level="warning",
        )
    finally:
        if tracing is not None:
            tracing.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
