"""The pages in this process, with an API that answers what a test says."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from web.app import create_app
from web.settings import WebSettings

SECRET = "kR7vQ2mZ8xT4nB6wL9cJ3hF5yD1sG0pA"
PRODUCTION: dict[str, Any] = {
    "environment": "production",
    "site_api_key": SECRET,
    "public_url": "https://care.test",
    "api_url": "https://api.care.test",
}


@asynccontextmanager
async def pages(
    answer: Callable[[httpx.Request], Any], *, client: str = "203.0.113.7", **settings: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A program that asks the pages; ``answer``: what the API says to each request."""
    known = WebSettings(**settings)
    app = create_app(known, transport=httpx.MockTransport(answer))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(client, 50000))
        async with httpx.AsyncClient(transport=transport, base_url=known.site_url) as http:
            yield http


def problem(status: int, name: str, detail: str, **more: Any) -> httpx.Response:
    headers = {"content-type": "application/problem+json"}
    return httpx.Response(status, json={"type": f"/problems/{name}", "detail": detail, **more}, headers=headers)
