"""The front door, and what the machine that watches asks."""

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from web.page import ClientPage

router = APIRouter()


@router.get("/")
async def start(page: ClientPage) -> Response:
    if page.signed_in:
        return page.go("/appointments")
    therapists = await page.api.get("/v1/therapists", accepting_clients="true", limit=50)
    return page.show("clients/start.html", therapists=therapists["items"], more=therapists["next_cursor"])


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    return PlainTextResponse("ok")
