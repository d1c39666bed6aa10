"""The page that shows the API: from its own files alone, and only where it is wanted."""

import re
from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.app import create_app
from tests.api.conftest import CIPHER, SETTINGS, problem_of

PAGES = ("/docs", "/openapi.json", "/docs/swagger-ui.css")


async def test_the_page_asks_nobody_else(full: httpx.AsyncClient) -> None:
    page = await full.get("/docs")
    assert page.status_code == 200
    for address in re.findall(r"""(?:src|href)=["']([^"']+)|url: '([^']+)""", page.text):
        path = next(filter(None, address))
        assert "//" not in path
        answer = await full.get(f"/{path}")
        assert answer.status_code == 200, path
        assert answer.content
    assert '"validatorUrl": null' in page.text
    assert "http" not in page.headers["content-security-policy"]


async def test_its_policy_lets_its_own_script_run_and_no_other(full: httpx.AsyncClient) -> None:
    policy = (await full.get("/docs")).headers["content-security-policy"]
    scripts = re.search(r"script-src ([^;]+)", policy)
    assert scripts
    assert re.fullmatch(r"'self' 'sha256-[\w+/]{43}='", scripts[1])


@pytest.mark.parametrize("path", ["/docs/../app.py", "/docs/redoc.standalone.js", "/docs/%2e%2e%2fconsts.py", "/docs/"])
async def test_no_other_file_is_served(full: httpx.AsyncClient, path: str) -> None:
    assert problem_of(await full.get(path)) == "not-found"


async def test_nothing_of_it_is_there_unless_it_is_wanted() -> None:
    nothing: Any = None
    settings = replace(SETTINGS, docs=False)
    app = create_app(sessions=nothing, engine=nothing, clock=nothing, settings=settings, cipher=CIPHER)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://api") as api:
        for path in PAGES:
            assert problem_of(await api.get(path)) == "not-found"
