"""The settings in force, by subject, each with its meaning; those alone that were set here, if that is asked."""

from fastapi import APIRouter
from starlette.responses import Response

from web.looks.settings import by_subject, value_in_words
from web.page import StaffPage

router = APIRouter()


@router.get("/settings")
async def settings(page: StaffPage) -> Response:
    await page.me()
    every = (await page.api.get("/v1/settings"))["items"]
    own = [one for one in every if one["source"] != "default"]
    shown = own if page.query.get("show") == "own" else every
    return page.show(
        "staff/practice/settings.html",
        subjects=by_subject(shown),
        number=len(every),
        own=len(own),
        in_words=value_in_words,
        look={one["name"]: one["value"] for one in every},
    )
