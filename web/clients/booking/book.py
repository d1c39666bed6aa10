"""Booking: what, when, who. A time is held while details are typed; one that was taken is answered with others."""

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.clients.booking.held import let_former_go, let_go, remember
from web.clients.booking.series import EVERY, dates_of
from web.clients.finding.kept import keep, kept
from web.clients.finding.visits import begin_visit
from web.clock import now
from web.edge import cookies as names
from web.looks.words import instant, minutes, minutes_between
from web.page import ClientPage, Page, Visit
from web.sent import Sent

router = APIRouter()

TYPES = ("intro_call", "session")
MODES = {"video": "Video call", "phone": "Phone call", "zoom": "Zoom"}
_DAYS = 7
_LAST_YEAR = 2199
DETAILS = ("first_name", "last_name", "email", "phone")
_TYPED = (*(f"details.{name}" for name in DETAILS), "mode", "weeks", "every")
_OF_SLOTS = ("slot-taken", "slot-unavailable")


@router.get("/book/{slug}")
async def choose(slug: str, page: ClientPage) -> Response:
    """What and when. The link of a mail names a time that is held already: it leads there."""
    held = {name: value for name in ("type", "starts_at") if (value := page.query.get(name))}
    if hold := page.query.get("hold_id"):
        return page.go(f"/book/{part(slug)}/who?{urlencode({'hold': hold, **held})}")
    return await _choose(page, slug)


async def _choose(page: Page, slug: str, *, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    """``sent``: what was typed before the time was gone, which goes on with the next one."""
    therapist = await page.api.get(f"/v1/therapists/{part(slug)}")
    found = await _offers_to(page, slug)
    if found is not None and found["therapist"] != slug:
        return await _with_another(page, therapist, found)
    offers = _offers(therapist, found)
    kind = _type(sent.get("type") if sent else page.query.get("type"), offers)
    first = await _first_day(page)
    days: list[dict[str, Any]] = []
    if kind is not None:
        open_ = await page.api.get(
            f"/v1/therapists/{part(slug)}/slots",
            type=kind,
            time_zone=page.zone,
            **{"from": first.isoformat(), "to": (first + timedelta(days=_DAYS - 1)).isoformat()},
        )
        days = open_["days"]
    return page.show(
        "clients/book/choose.html",
        therapist=therapist,
        offers=offers,
        type=kind,
        first=first,
        days=days,
        chosen=day_chosen(days, page.query.get("day")),
        lengths=_lengths(kind, offers, days),
        typed={name: value for name in _TYPED if (value := sent.get(name))} if sent else {},
        link=lambda **change: address_with(
            f"/book/{part(slug)}", {"type": kind, "from": first.isoformat(), "day": page.query.get("day")} | change
        ),
        earlier=first - timedelta(days=_DAYS),
        later=first + timedelta(days=_DAYS),
        today=(await _today(page)),
        refused=refused,
    )


@router.post("/book/{slug}/hold")
async def hold(slug: str, page: ClientPage) -> Response:
    """Keep the chosen time while the rest is typed. What was typed for another one comes along."""
    sent = await page.form()
    kind, starts_at, once = sent.get("type"), sent.get("starts_at"), sent.get("once")
    await let_former_go(page, once=once)
    try:
        held = await page.api.post(
            f"/v1/therapists/{part(slug)}/holds", {"type": kind, "starts_at": starts_at}, once=once or None
        )
    except ApiRefused as refused:
        if refused.status in (401, 404):
            raise
        return await _choose(page, slug, sent=sent, refused=refused)
    query = {"hold": held["hold_id"], "type": kind, "starts_at": starts_at}
    response = page.go(f"/book/{part(slug)}/who?{urlencode(query)}")
    remember(page, response, held["hold_id"], once=once)
    if typed := sent.given(*_TYPED):  # never in an address
        keep(page, response, names.DETAILS, typed)
    return response


@router.post("/book/{slug}/another")
async def another(slug: str, page: ClientPage) -> Response:
    """Another time is wanted: the one that was held is free for everybody again."""
    sent = await page.form()
    response = page.go(address_with(f"/book/{part(slug)}", {"type": sent.get("type")}))
    await let_go(page, response, sent.get("hold"))
    return response


@router.get("/book/{slug}/who")
async def who(slug: str, page: ClientPage) -> Response:
    typed = Sent(FormData(kept(page, names.DETAILS)))
    return await _who(page, slug, hold=page.query.get("hold", ""), sent=typed)


async def _who(page: Page, slug: str, *, hold: str, sent: Sent, refused: ApiRefused | None = None) -> Response:
    therapist = await page.api.get(f"/v1/therapists/{part(slug)}")
    held = await page.api.find(f"/v1/holds/{part(hold)}") if hold else None
    if held is None:
        starts_at = _instant(page.query.get("starts_at"))
        return page.show(
            "clients/book/hold_ended.html",
            therapist=therapist,
            type=page.query.get("type", ""),
            starts_at=starts_at,
            booked=await _booked_at(page, starts_at),
            status=410,
        )
    offers = await _offers_to(page, slug)
    if offers is not None and offers["therapist"] != slug:
        return await _with_another(page, therapist, offers)
    offer = next((one for one in offers["offers"] if one["type"] == held["type"]), None) if offers else None
    return page.show(
        "clients/book/who.html",
        therapist=therapist,
        held=held,
        wanted=set(offers["details_required"]) if offers else set(DETAILS),
        series=offer["series"] if offer and offer["series"] and offer["series"]["may_book"] else None,
        every=EVERY,
        dates=dates_of(held["starts_at"], zone=therapist["time_zone"]),
        modes=[(mode, MODES[mode]) for mode in _modes(offer)],
        refused=refused,
        sent=sent,
    )


@router.post("/book/{slug}/who")
async def book(slug: str, page: ClientPage) -> Response:
    """A hold that has ended stops nobody: the time may still be free."""
    sent = await page.form()
    hold, once = sent.get("hold"), sent.get("once")
    body: dict[str, Any] = {"type": sent.get("type"), "starts_at": sent.get("starts_at"), "mode": sent.get("mode")}
    details = {name: value for name in DETAILS if (value := sent.get(f"details.{name}"))}
    begun: dict[str, Any] | None = None
    try:
        held = await page.api.find(f"/v1/holds/{part(hold)}") if hold else None
        if held is not None:
            body |= {"type": held["type"], "starts_at": held["starts_at"], "hold_id": hold}
        offers = await _offers_to(page, slug)
        if offers is not None and offers["therapist"] != slug:
            return await _choose(page, slug)
        client_id = offers["client_id"] if offers else None
        if client_id is None:
            begun = await page.api.post(
                "/v1/journeys", {"source": "direct_booking", "therapist": slug}, once=f"{once}-journey"
            )
            client_id, page.api.token = begun["client_id"], begun["pass"]
            page.visit = Visit(client_id=client_id, token=begun["pass"])
        if details:
            body["details"] = {**details, "time_zone": page.zone}
        if body["type"] == "session" and sent.get("weeks").isdecimal() and int(sent.get("weeks")) > 1:
            every = sent.get("every")
            body |= {"weeks": int(sent.get("weeks")), "every": int(every) if every.isdecimal() else 1}
            body["skip_conflicts"] = bool(sent.get("skip_conflicts"))
        booked = await page.api.post(f"/v1/clients/{client_id}/appointments", body, once=once or None)
    except ApiRefused as refused:
        if refused.status == 401:
            raise
        response = (
            await _choose(page, slug, sent=sent, refused=refused)
            if refused.name in _OF_SLOTS
            else await _who(page, slug, hold=hold, sent=sent, refused=refused)
        )
        return begin_visit(page, response, begun) if begun else response
    count = len(booked["appointments"])
    response = page.go(f"/appointments/{booked['appointments'][0]['id']}?booked={count}")
    for over in (names.DETAILS, names.HELD):
        page.cookies.drop(response, over)
    return begin_visit(page, response, begun) if begun else response


# ---------------------------------------------------------------- what may be booked


async def _offers_to(page: Page, slug: str) -> dict[str, Any] | None:
    """What whoever looks may book, and their ``client_id``; None for whoever is nobody yet. So is who was matched with
    another therapist, has booked nothing, and would rather have this one: that is a new journey."""
    client_id = await _whose(page)
    if client_id is None:
        return None
    found: dict[str, Any] = await page.api.get(f"/v1/clients/{client_id}/offers")
    if found["therapist"] != slug and page.visit is not None and found["details_required"]:
        page.visit = page.api.token = None
        return None
    return found | {"client_id": client_id}


def _offers(therapist: dict[str, Any], found: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """By type. Details that the first booking brings along are no reason for a person: what else is in the way is."""
    of_profile = _of_profile(therapist)
    if found is None:
        return of_profile
    offers = {offer["type"]: offer for offer in found["offers"]}
    for kind, offer in offers.items():
        problem = offer["problem"]
        if not offer["offered"] and problem and problem["type"].endswith("/client-details-required"):
            offers[kind] = offer | {"problem": of_profile[kind]["problem"]}
    return offers


def _of_profile(therapist: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By type: what this therapist offers somebody new, and what stands in the way."""
    intro = therapist["intro_calls"]
    return {
        "intro_call": {"offered": intro != "off", "problem": None},
        "session": {
            "offered": intro != "required",
            "problem": {"detail": "Sessions can be booked once the intro call has taken place."},
        },
    }


async def _with_another(page: Page, therapist: dict[str, Any], offers: dict[str, Any]) -> Response:
    """Whoever is with one therapist does not book another by an address: the care team changes that with them."""
    own = offers["therapist"]
    return page.show(
        "clients/book/with_another.html",
        therapist=therapist,
        own=await page.api.get(f"/v1/therapists/{part(own)}") if own else None,
    )


def _type(wanted: str | None, offers: dict[str, dict[str, Any]]) -> str | None:
    open_ = [kind for kind in TYPES if offers.get(kind, {}).get("offered")]
    return wanted if wanted in open_ else (open_[0] if open_ else None)


async def _whose(page: Page) -> str | None:
    if page.signed_in:
        return str((await page.me())["client_id"])
    return page.visit.client_id if page.visit else None


async def _booked_at(page: Page, starts_at: str | None) -> str | None:
    """Whoever comes back by Back has booked it: their appointment at that time."""
    client_id = await _whose(page)
    if client_id is None or starts_at is None:
        return None
    found = await page.api.get("/v1/appointments", client=client_id, status="scheduled", limit=50)
    same = (one["id"] for one in found["items"] if instant(one["starts_at"]) == instant(starts_at))
    return next(same, None)


def _modes(offer: dict[str, Any] | None) -> list[str]:
    return [mode for mode in (offer or {}).get("modes") or ("video", "phone") if mode in MODES]


def _instant(text: str | None) -> str | None:
    """As it stands in an address, if it is one."""
    try:
        return text if text and datetime.fromisoformat(text).tzinfo else None
    except ValueError:
        return None


async def _today(page: Page) -> date:
    return (await now(page.api, page.settings)).astimezone(ZoneInfo(page.zone)).date()


async def _first_day(page: Page) -> date:
    today = await _today(page)
    return max(day_asked(page.query.get("from")) or today, today)


def day_asked(text: str | None) -> date | None:
    """As it stands in an address, if it is one that times are asked for."""
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if day.year < _LAST_YEAR else None


def day_chosen(days: list[dict[str, Any]], wanted: str | None) -> dict[str, Any] | None:
    """The day whose times are shown: the one that was asked for, or the first on which there is room."""
    return next((one for one in days if one["date"] == wanted), days[0] if days else None)


def address_with(path: str, query: dict[str, Any]) -> str:
    return f"{path}?{urlencode({name: str(value) for name, value in query.items() if value})}"


def _lengths(kind: str | None, offers: dict[str, dict[str, Any]], days: list[dict[str, Any]]) -> dict[str, str]:
    """How long each type takes, as far as that is known."""
    known = {name: minutes(offer["duration"]) for name, offer in offers.items() if offer.get("duration")}
    if kind and days:
        slot = days[0]["slots"][0]
        known[kind] = minutes_between(slot["starts_at"], slot["ends_at"])
    return dict.fromkeys(TYPES, "") | known
