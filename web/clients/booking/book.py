"""Booking: what, when, who. A time is held while details are typed; one that was taken is answered with others."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.clients.finding.visits import begin_visit
from web.clock import now
from web.page import ClientPage, Page
from web.sent import Sent

router = APIRouter()

TYPES = ("intro_call", "session")
MODES = {"video": "Video call", "phone": "Phone call", "zoom": "Zoom"}
_DAYS = 7
_DETAILS = ("first_name", "last_name", "email", "phone")
_OF_SLOTS = ("slot-taken", "slot-unavailable")


@router.get("/book/{slug}")
async def choose(slug: str, page: ClientPage) -> Response:
    """What and when."""
    return await _choose(page, slug)


async def _choose(page: Page, slug: str, *, refused: ApiRefused | None = None) -> Response:
    therapist = await page.api.get(f"/v1/therapists/{part(slug)}")
    offers = await _offers(page, therapist)
    kind = _type(page, offers)
    first = await _first_day(page)
    days: list[dict[str, Any]] = []
    if kind is not None:
        found = await page.api.get(
            f"/v1/therapists/{part(slug)}/slots",
            type=kind,
            time_zone=page.zone,
            **{"from": first.isoformat(), "to": (first + timedelta(days=_DAYS - 1)).isoformat()},
        )
        days = found["days"]
    return page.show(
        "clients/book/choose.html",
        therapist=therapist,
        offers=offers,
        type=kind,
        first=first,
        days=days,
        link=lambda **change: _link(slug, {"type": kind, "from": first.isoformat()} | change),
        earlier=first - timedelta(days=_DAYS),
        later=first + timedelta(days=_DAYS),
        today=(await _today(page)),
        refused=refused,
    )


@router.post("/book/{slug}/hold")
async def hold(slug: str, page: ClientPage) -> Response:
    """Keep the chosen time while the rest is typed."""
    sent = await page.form()
    kind, starts_at = sent.get("type"), sent.get("starts_at")
    try:
        held = await page.api.post(
            f"/v1/therapists/{part(slug)}/holds", {"type": kind, "starts_at": starts_at}, once=sent.get("once") or None
        )
    except ApiRefused as refused:
        if refused.status == 404:
            raise
        return await _choose(page, slug, refused=refused)
    return page.go(f"/book/{part(slug)}/who?{urlencode({'hold': held['hold_id'], 'type': kind})}")


@router.get("/book/{slug}/who")
async def who(slug: str, page: ClientPage) -> Response:
    return await _who(page, slug, hold=page.query.get("hold", ""), sent=None)


async def _who(page: Page, slug: str, *, hold: str, sent: Sent | None, refused: ApiRefused | None = None) -> Response:
    therapist = await page.api.get(f"/v1/therapists/{part(slug)}")
    try:
        held = await page.api.get(f"/v1/holds/{part(hold)}")
    except ApiRefused as gone:
        if gone.status != 404:
            raise
        return page.show("clients/book/hold_ended.html", therapist=therapist, status=410)
    known = await _client(page)
    return page.show(
        "clients/book/who.html",
        therapist=therapist,
        held=held,
        known=known,
        modes=[(mode, MODES[mode]) for mode in _modes(therapist)],
        refused=refused,
        sent=sent,
    )


@router.post("/book/{slug}/who")
async def book(slug: str, page: ClientPage) -> Response:
    sent = await page.form()
    hold, once = sent.get("hold"), sent.get("once")
    try:
        held = await page.api.get(f"/v1/holds/{part(hold)}")
    except ApiRefused:
        return await _who(page, slug, hold=hold, sent=sent)
    details = {name: value for name in _DETAILS if (value := sent.get(f"details.{name}"))}
    begun: dict[str, Any] | None = None
    try:
        client_id = await _whose(page)
        if client_id is None:
            begun = await page.api.post(
                "/v1/journeys", {"source": "direct_booking", "therapist": slug}, once=f"{once}-journey"
            )
            client_id, page.api.token = begun["client_id"], begun["pass"]
        body: dict[str, Any] = {
            "type": held["type"],
            "starts_at": held["starts_at"],
            "mode": sent.get("mode"),
            "hold_id": hold,
        }
        if details:
            body["details"] = {**details, "time_zone": page.zone}
        if held["type"] == "session" and sent.get("weeks").isdigit():
            body |= {"weeks": int(sent.get("weeks")), "every": int(sent.get("every") or 1)}
        booked = await page.api.post(f"/v1/clients/{client_id}/appointments", body, once=once or None)
    except ApiRefused as refused:
        response = (
            await _choose(page, slug, refused=refused)
            if refused.name in _OF_SLOTS
            else await _who(page, slug, hold=hold, sent=sent, refused=refused)
        )
        return begin_visit(page, response, begun) if begun else response
    response = page.go(f"/appointments/{booked['appointments'][0]['id']}?booked=yes")
    return begin_visit(page, response, begun) if begun else response


# ---------------------------------------------------------------- what may be booked


async def _offers(page: Page, therapist: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By type: whether it may be booked now, and what stands in the way; of whoever is nobody yet by the profile."""
    client_id = await _whose(page)
    if client_id is not None:
        found = await page.api.get(f"/v1/clients/{client_id}/offers")
        return {offer["type"]: offer for offer in found["offers"]}
    intro = therapist["intro_calls"]
    return {
        "intro_call": {"may_book": intro != "off", "problem": None},
        "session": {
            "may_book": intro != "required",
            "problem": {"detail": "Sessions can be booked once the intro call has taken place."},
        },
    }


def _type(page: Page, offers: dict[str, dict[str, Any]]) -> str | None:
    open_ = [kind for kind in TYPES if offers.get(kind, {}).get("may_book")]
    wanted = page.query.get("type")
    return wanted if wanted in open_ else (open_[0] if open_ else None)


async def _whose(page: Page) -> str | None:
    if page.signed_in:
        return str((await _me(page))["client_id"])
    return page.visit.client_id if page.visit else None


async def _client(page: Page) -> dict[str, Any] | None:
    client_id = await _whose(page)
    found: dict[str, Any] | None = await page.api.get(f"/v1/clients/{client_id}") if client_id else None
    return found


async def _me(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = await page.api.get("/v1/me")
    return found


def _modes(therapist: dict[str, Any]) -> list[str]:
    return [mode for mode in therapist.get("modes") or ("video", "phone") if mode in MODES]


async def _today(page: Page) -> date:
    return (await now(page.api, page.settings)).astimezone(ZoneInfo(page.zone)).date()


async def _first_day(page: Page) -> date:
    today = await _today(page)
    try:
        return max(date.fromisoformat(page.query.get("from", "")), today)
    except ValueError:
        return today


def _link(slug: str, query: dict[str, Any]) -> str:
    return f"/book/{part(slug)}?{urlencode({name: str(value) for name, value in query.items() if value})}"
