"""The front door for staff."""

from fastapi import APIRouter
from starlette.responses import Response

from web.home import home_of
from web.page import StaffPage

router = APIRouter()


@router.get("/")
async def start(page: StaffPage) -> Response:
    return page.go(home_of(page.side, await page.me()))
