"""Calendars that a therapist keeps elsewhere: when they are busy there, nothing can be booked here.

The way to Google and Microsoft is a plain link on a page of ours: no form may be redirected to another origin. Whoever
comes back does so with the sign-in here, which the API holds against who began.
"""

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()

_CALDAV = {"address": "caldav_address", "label": "caldav_label"}  # the other form has fields of these names
_VENDORS = {"google": "Google", "outlook": "Outlook"}


@router.get("/calendars")
async def look(page: StaffPage) -> Response:
    return await _show(page)


@router.post("/calendars")
async def add(page: StaffPage) -> Response:
    """By the private address of a file; or by CalDAV, with a name and a password."""
    sent = await page.form()
    by_caldav = sent.get("kind") == "caldav"
    body: dict[str, str] = {"kind": "ics", **sent.given("label", "address")}
    if by_caldav:
        given = sent.given(*_CALDAV.values())
        named = {name: given[field] for name, field in _CALDAV.items() if field in given}
        body = {"kind": "caldav", **named, **sent.given("user"), "password": sent.secret("password")}
    try:
        await page.api.post(await _path(page), body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _show(page, sent=sent, refused=refused.renamed(_CALDAV) if by_caldav else refused)
    return page.go("/calendars?added=yes")


@router.post("/calendars/vendor")
async def connect_new(page: StaffPage) -> Response:
    """A calendar at a vendor: the way there is on the next page."""
    sent = await page.form()
    try:
        begun = await page.api.post(await _path(page), {"kind": sent.get("kind")}, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _show(page, sent=sent, refused=refused)
    return _way_out(page, sent.get("kind"), begun["connect_url"])


@router.post("/calendars/{calendar_id}/connect")
async def connect_again(calendar_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    try:
        begun = await page.api.post(f"{await _path(page)}/{part(calendar_id)}/connect", {})
    except ApiRefused as refused:
        return await _show(page, refused=refused)
    return _way_out(page, sent.get("kind"), begun["connect_url"])


@router.get("/calendars/connected")
async def come_back(page: StaffPage) -> Response:
    """Where the vendor sends people back to."""
    page.must_be_signed_in()
    state, code = page.query.get("state", ""), page.query.get("code", "")
    if not state or not code:
        detail = "The calendar is not connected: nothing was allowed there. It can be connected at any time."
        return await _show(page, refused=ApiRefused(410, {"type": "link-invalid", "detail": detail}))
    try:
        await page.api.post("/v1/calendar-connections", {"state": state, "code": code})
    except ApiRefused as refused:
        return await _show(page, refused=refused)
    return page.go("/calendars?connected=yes")


@router.post("/calendars/{calendar_id}/read")
async def read_now(calendar_id: str, page: StaffPage) -> Response:
    await page.form()
    await page.api.post(f"{await _path(page)}/{part(calendar_id)}/read", {})
    return page.go("/calendars?read=yes")


@router.post("/calendars/{calendar_id}/remove")
async def remove(calendar_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    await page.api.delete(f"{await _path(page)}/{part(calendar_id)}")
    kind = sent.get("kind")
    return page.go(f"/calendars?removed={kind if kind in _VENDORS else 'yes'}")


def _way_out(page: Page, kind: str, url: str) -> Response:
    return page.show("staff/calendar/connect.html", vendor=_VENDORS.get(kind, "the calendar"), url=url)


async def _show(page: Page, *, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    slug = await _own(page)
    calendars = (await page.api.get(f"/v1/therapists/{part(slug)}/calendars"))["items"] if slug else []
    return page.show(
        "staff/calendar/others.html", slug=slug, calendars=calendars, vendors=_VENDORS, sent=sent, refused=refused
    )


async def _path(page: Page) -> str:
    return f"/v1/therapists/{part(await _own(page))}/calendars"


async def _own(page: Page) -> str:
    return str((await page.me()).get("therapist") or "")
