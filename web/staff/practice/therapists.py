"""Therapists: their profiles, whether they take clients, and adding one, who is invited to sign in with it."""

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import Json, part
from web.asking.problems import ApiRefused
from web.home import ADMIN
from web.looks.profiles import licence_rows, names_of, profile_of, slug_of, wrong_here
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()


@router.get("/therapists")
async def therapists(page: StaffPage) -> Response:
    await page.me()
    found = await page.api.get("/v1/therapists", limit=200, cursor=page.query.get("cursor"))
    return page.show("staff/practice/therapists.html", therapists=found["items"], cursor=found["next_cursor"])


@router.get("/therapists/new")
async def form(page: StaffPage) -> Response:
    return await _show(page, None)


@router.get("/therapists/{slug}")
async def one(slug: str, page: StaffPage) -> Response:
    return await _show(page, slug)


async def _show(page: Page, slug: str | None, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    me = await page.me()
    profile = await page.api.get(f"/v1/therapists/{part(slug)}") if slug else None
    words = await page.api.get("/v1/matching-form")
    rows = licence_rows(profile, sent)
    return page.show(
        "staff/practice/therapist.html",
        profile=profile,
        words_of=words,
        rows=rows,
        languages=names_of(profile["languages"], words["languages"]) if profile else "",
        invites=ADMIN in me["roles"],
        sent=sent,
        refused=refused,
    )


@router.post("/therapists/new")
async def add(page: StaffPage) -> Response:
    """The profile first; then whoever it is of is invited. Both are safe to be sent twice."""
    sent = await page.form()
    slug, once = sent.get("slug") or slug_of(sent.get("name")), sent.get("once")
    try:
        await page.api.post("/v1/therapists", await _profile(page, sent) | {"slug": slug}, once=once or None)
    except ApiRefused as refused:
        return await _show(page, None, sent, _here(refused, sent))
    if not sent.get("invite"):
        return page.go(f"/therapists/{part(slug)}?done=added")
    body: Json = {**sent.given("name", "email"), "roles": ["therapist"], "therapist": slug}
    try:
        await page.api.post("/v1/staff", body, once=f"{once}-invite" if once else None)
    except ApiRefused as refused:  # the profile is there: what is left is the invitation
        return await _show(page, slug, None, refused)
    return page.go(f"/therapists/{part(slug)}?done=invited")


async def _profile(page: Page, sent: Sent) -> Json:
    return profile_of(sent, (await page.api.get("/v1/matching-form"))["languages"])


def _here(refused: ApiRefused, sent: Sent) -> ApiRefused:
    lines = [{"field": name, "message": message} for name, message in wrong_here(refused.fields, sent)]
    return ApiRefused(refused.status, refused.document | ({"errors": lines} if lines else {}))


@router.post("/therapists/{slug}")
async def change(slug: str, page: StaffPage) -> Response:
    sent = await page.form()
    try:
        await page.api.patch(f"/v1/therapists/{part(slug)}", await _profile(page, sent))
    except ApiRefused as refused:
        return await _show(page, slug, sent, _here(refused, sent))
    return page.go(f"/therapists/{part(slug)}?done=saved")


@router.post("/therapists/{slug}/{act}")
async def take_clients(slug: str, act: str, page: StaffPage) -> Response:
    """``stop`` and ``take``: from now on nobody new, or anybody again; nothing else changes."""
    await page.form()
    if act not in ("stop", "take"):
        return page.show("not_found.html", status=404)
    await page.api.patch(f"/v1/therapists/{part(slug)}", {"accepting_clients": act == "take"})
    return page.go(f"/therapists/{part(slug)}?done={act}")
