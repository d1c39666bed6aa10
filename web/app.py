"""The pages as one application."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.routing import Host

from web.asking.api import TIMEOUT
from web.clients import ROUTERS as FOR_CLIENTS
from web.edge.bounds import BodyBounds
from web.edge.cookies import CLIENT, STAFF, Cookies
from web.edge.headers import PageHeaders
from web.serving.development import FOR_DEVELOPMENT
from web.serving.environment import templates
from web.serving.errors import HANDLERS
from web.serving.files import router as looks
from web.settings import WebSettings
from web.staff import ROUTERS as FOR_STAFF

# Spans go where website.py says, and nowhere else: FastAPI's own way out would tell all that it sees.
_TELEMETRY: TelemetryConfig = {
    "auto_configure": False,
    "logs": False,
    "metrics": False,
    "operation_spans": False,
    "exclude": lambda scope: scope.get("path") in ("/healthz", "/metrics"),
}


def create_app(settings: WebSettings, *, transport: httpx.AsyncBaseTransport | None = None) -> FastAPI:
    """``transport``: how the API is reached, other than by its address; for tests."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=40)
        async with httpx.AsyncClient(
            base_url=settings.api_address, timeout=TIMEOUT, limits=limits, transport=transport
        ) as http:
            app.state.http = app.state.staff.state.http = http
            yield

    app = _side(settings, CLIENT, FOR_CLIENTS, lifespan=lifespan)
    staff = _side(settings, STAFF, FOR_STAFF)
    if settings.staff_path:
        app.mount(settings.staff_path, staff)
    else:  # on a host of their own
        app.router.routes.insert(0, Host(urlsplit(settings.staff_site_url).netloc, staff))
    app.state.staff = staff
    app.add_middleware(BodyBounds)
    app.add_middleware(PageHeaders, https_only=settings.production)
    return app


def _side(settings: WebSettings, side: str, routers: Sequence[APIRouter], **more: Any) -> FastAPI:
    """The pages for clients, or for staff: each has its own sign-in."""
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=HANDLERS,
        telemetry=_TELEMETRY,
        **more,
    )
    app.state.settings = settings
    app.state.side = side
    app.state.cookies = Cookies(settings)
    app.state.environment = templates(settings)
    here_alone = () if settings.production else FOR_DEVELOPMENT[side]
    for router in (looks, *here_alone, *routers):
        app.include_router(router)
    return app
