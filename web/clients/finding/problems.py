"""What each refusal of the API means, in words: where the ``type`` of a problem leads to."""

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.page import ClientPage

router = APIRouter(prefix="/problems")


@router.get("")
async def problems(page: ClientPage) -> Response:
    return page.show("clients/problems.html", listed=await page.api.get("/v1/problems"))


@router.get("/{name}")
async def problem(name: str, page: ClientPage) -> Response:
    return page.show("clients/problem.html", problem=await page.api.get(f"/v1/problems/{part(name)}"))
