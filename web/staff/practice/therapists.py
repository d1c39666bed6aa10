"""Therapists: their profiles, and adding one."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.looks.words import minor_units
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()

_LISTS = ("licensed_in", "concerns", "languages", "modalities", "insurances")


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
    await page.me()
    profile = await page.api.get(f"/v1/therapists/{part(slug)}") if slug else None
    words = await page.api.get("/v1/matching-form")
    return page.show(
        "staff/practice/therapist.html", profile=profile, words_of=words, lists=_LISTS, sent=sent, refused=refused
    )


@router.post("/therapists/new")
async def add(page: StaffPage) -> Response:
    sent = await page.form()
    body = _body(sent) | {"slug": sent.get("slug")}
    try:
        await page.api.post("/v1/therapists", body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _show(page, None, sent, refused)
    return page.go(f"/therapists/{part(sent.get('slug'))}?saved=yes")


@router.post("/therapists/{slug}")
async def change(slug: str, page: StaffPage) -> Response:
    sent = await page.form()
    try:
        await page.api.patch(f"/v1/therapists/{part(slug)}", _body(sent))
    except ApiRefused as refused:
        return await _show(page, slug, sent, refused)
    return page.go(f"/therapists/{part(slug)}?saved=yes")


def _body(sent: Sent) -> dict[str, Any]:
    limit = sent.get("caseload_limit")
    return {
        **sent.given("name", "email", "time_zone", "intro_calls"),
        **{name: sent.all(name) for name in _LISTS},
        "licences": _licences(sent.get("licences")),
        "credentials": sent.get("credentials") or None,
        "gender": sent.get("gender") or None,
        "zoom_link": sent.get("zoom_link") or None,
        "session_fee": {"amount": minor_units(sent.get("fee"), sent.get("currency")), "currency": sent.get("currency")},
        "accepting_clients": bool(sent.get("accepting_clients")),
        "caseload_limit": int(limit) if limit.isdigit() else limit or None,
    }


def _licences(text: str) -> list[dict[str, str]]:
    """``NY 085512``, one a line."""
    pairs = (line.strip().partition(" ") for line in text.splitlines() if line.strip())
    return [{"state": state.upper(), "number": number.strip()} for state, _, number in pairs]
