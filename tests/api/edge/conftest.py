"""The whole API with everything that can be on: the description, its page, HTTPS alone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from engine.clock import EngineClock
from tests.api.conftest import CIPHER, SETTINGS


@pytest.fixture(scope="session")
def full_app() -> FastAPI:
    """As on the movable clock and in production at once; for what is answered before anything is asked."""
    nothing: Any = None
    hosts = ("api", "care.example", "*.below.example")
    settings = replace(SETTINGS, https_only=True, test_addresses=False, allowed_hosts=hosts)
    clock = EngineClock.__new__(EngineClock)
    app = create_app(sessions=nothing, engine=nothing, clock=clock, settings=settings, cipher=CIPHER)
    for key in settings.service_keys:
        app.state.services.key_uses.note(f"{key.role}:{key.name}")  # there is nowhere to write that they are used
    return app


@pytest.fixture
async def full(full_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=full_app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client
