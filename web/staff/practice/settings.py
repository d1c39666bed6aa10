"""The settings in force, each with its meaning."""

from fastapi import APIRouter
from starlette.responses import Response

from web.page import StaffPage

router = APIRouter()


@router.get("/settings")
async def settings(page: StaffPage) -> Response:
    await page.me()
    return page.show("staff/practice/settings.html", listed=await page.api.get("/v1/settings"))
