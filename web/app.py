"""The pages as one application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from web.asking.api import TIMEOUT
from web.clients import ROUTERS as FOR_CLIENTS
from web.edge.cookies import Cookies
from web.edge.errors import HANDLERS
from web.edge.headers import PageHeaders
from web.looks.files import router as looks
from web.looks.templates import templates
from web.settings import WebSettings


def create_app(settings: WebSettings, *, transport: httpx.AsyncBaseTransport | None = None) -> FastAPI:
    """``transport``: how the API is reached, other than by its address; for tests."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=40)
        async with httpx.AsyncClient(
            base_url=settings.api_address, timeout=TIMEOUT, limits=limits, transport=transport
        ) as http:
            app.state.http = http
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None, exception_handlers=HANDLERS)
    app.state.settings = settings
    app.state.cookies = Cookies(settings)
    app.state.environment = templates(settings)
    app.add_middleware(PageHeaders, https_only=settings.production)
    for router in (looks, *FOR_CLIENTS):
        app.include_router(router)
    return app
