"""A therapist's appointments in their own calendar program: an address that is its only key, shown once."""

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.page import Page, StaffPage

router = APIRouter()


@router.get("/calendar/feed")
async def look(page: StaffPage) -> Response:
    slug = await _own(page)
    feed = await page.api.find(f"/v1/therapists/{part(slug)}/feed") if slug else None
    return page.show("staff/calendar/feed.html", slug=slug, feed=feed, address=None)


@router.post("/calendar/feed")
async def make(page: StaffPage) -> Response:
    """A new address; one that was there before leads nowhere from then on."""
    sent = await page.form()
    slug = await _own(page)
    made = await page.api.post(f"/v1/therapists/{part(slug)}/feed", once=sent.get("once") or None)
    secret = made["url"].rpartition("/")[2]
    address = f"{page.settings.staff_site_url}/feeds/{part(slug)}/{secret}"
    return page.show("staff/calendar/feed.html", slug=slug, feed=made, address=address)


@router.post("/calendar/feed/end")
async def end(page: StaffPage) -> Response:
    await page.form()
    await page.api.delete(f"/v1/therapists/{part(await _own(page))}/feed")
    return page.go("/calendar/feed?ended=yes")


@router.get("/feeds/{slug}/{secret}.ics")
async def read(slug: str, secret: str, page: StaffPage) -> Response:
    """As calendar programs ask, who sign in nowhere: the API is asked with the address alone."""
    page.api.token = None
    file = await page.api.file(f"/v1/therapists/{part(slug)}/feed/{part(secret)}.ics")
    return Response(file.content, media_type="text/calendar; charset=utf-8")


async def _own(page: Page) -> str:
    return str((await page.me()).get("therapist") or "")
