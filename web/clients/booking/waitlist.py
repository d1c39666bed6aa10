"""The waitlist: waiting for a time with a therapist, and what is offered."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.clients.booking.book import DETAILS, TYPES
from web.clients.finding.visits import begin_visit
from web.clients.whose import client_of, everything
from web.clock import now
from web.page import ClientPage, Page, SignInFirst, Visit
from web.sent import Sent

router = APIRouter()

_WEEKS = 4


@router.get("/waitlist")
async def waitlist(page: ClientPage) -> Response:
    if not page.query.get("therapist"):
        _must_be_known(page)
    return await _show(page)


def _must_be_known(page: Page) -> None:
    if not page.signed_in and page.visit is None:
        raise SignInFirst


async def _client(page: Page) -> dict[str, Any] | None:
    """None for whoever is nobody yet, and gives their details with the wish."""
    known = page.signed_in or page.visit is not None
    return await client_of(page, pass_will_do=True) if known else None


async def _show(page: Page, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    client = await _client(page)
    today = (await now(page.api, page.settings)).astimezone(ZoneInfo(page.zone)).date()
    slug = page.query.get("therapist") or (sent.get("therapist") if sent else None) or (client or {}).get("therapist")
    kind = (sent.get("type") if sent else None) or page.query.get("type")
    return page.show(
        "clients/waitlist.html",
        places=await everything(page, f"/v1/clients/{client['id']}/waitlist") if client else [],
        therapist=await page.api.get(f"/v1/therapists/{part(slug)}") if slug else None,
        type=kind if kind in TYPES else "session",
        first=today,
        last=today + timedelta(weeks=_WEEKS),
        asks_who=client is None or not client["email"],
        refused=refused,
        sent=sent,
    )


@router.post("/waitlist")
async def join(page: ClientPage) -> Response:
    sent = await page.form()
    slug, once = sent.get("therapist"), sent.get("once")
    begun: dict[str, Any] | None = None
    try:
        client = await _client(page)
        if client is None:
            begun = await page.api.post(
                "/v1/journeys", {"source": "direct_booking", "therapist": slug}, once=f"{once}-journey"
            )
            client = {"id": begun["client_id"]}
            page.api.token = begun["pass"]
            page.visit = Visit(client_id=begun["client_id"], token=begun["pass"])
        details = {name: value for name in DETAILS if (value := sent.get(f"details.{name}"))}
        if details:
            await page.api.patch(f"/v1/clients/{client['id']}", {**details, "time_zone": page.zone})
        wish = {"client_id": client["id"], "time_zone": page.zone, **sent.given("type", "from", "to")}
        await page.api.post(f"/v1/therapists/{part(slug)}/waitlist", wish, once=once or None)
    except ApiRefused as refused:
        if refused.status == 401:
            raise
        response = await _show(page, sent, refused.renamed({name: f"details.{name}" for name in DETAILS}))
    else:
        response = page.go("/waitlist?joined=yes")
    return begin_visit(page, response, begun) if begun else response


@router.post("/waitlist/{place_id}/leave")
async def leave(place_id: str, page: ClientPage) -> Response:
    await page.form()
    _must_be_known(page)
    await page.api.delete(f"/v1/waitlist/{part(place_id)}")
    return page.go("/waitlist?left=yes")
