"""A client's appointments: what comes next, one of them, cancelling and moving with what it costs shown first."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.clients.booking.book import MODES, address_with, day_asked, day_chosen
from web.clients.money.payments import NEEDS_CLIENT
from web.clients.whose import client_id_of, client_of, everything
from web.clock import now
from web.edge import cookies as names
from web.looks.words import instant
from web.page import ClientPage, Page
from web.rooms import room_of

router = APIRouter()

_DAYS = 7
_LATE = "late-change-contact-therapist"


@router.get("/appointments")
async def home(page: ClientPage) -> Response:
    """What comes next, and what is asked of the client."""
    client = await client_of(page, pass_will_do=True)
    newest = await everything(page, "/v1/appointments", client=client["id"], newest_first="true")
    appointments = newest[::-1]  # of many years, what is ahead must not be what is left out
    time = await now(page.api, page.settings)
    ahead = [one for one in appointments if one["status"] == "scheduled" and instant(one["ends_at"]) > time]
    past = [one for one in reversed(appointments) if one not in ahead]
    todo = []
    if page.signed_in and client["portal_settings"].get("forms", True):
        forms = await everything(page, f"/v1/clients/{client['id']}/forms")
        todo = [form for form in forms if form["status"] != "complete"]
    return page.show(
        "clients/appointments/home.html",
        client=client,
        ahead=ahead,
        past=past[:20],
        todo=todo,
        unpaid=[one for one in appointments if (one.get("payment") or {}).get("status") in NEEDS_CLIENT],
        therapists=await _therapists(page, appointments),
        may_book=client["portal_settings"].get("schedule_appointments", True),
        modes=MODES,
    )


@router.get("/appointments/{appointment_id}")
async def one(appointment_id: str, page: ClientPage) -> Response:
    return await _one(page, appointment_id)


async def _one(page: Page, appointment_id: str, refused: ApiRefused | None = None) -> Response:
    await client_id_of(page, pass_will_do=True)
    appointment = await page.api.get(f"/v1/appointments/{part(appointment_id)}")
    time = await now(page.api, page.settings)
    return page.show(
        "clients/appointments/one.html",
        one=appointment,
        therapist=await page.api.get(f"/v1/therapists/{part(appointment['therapist'])}"),
        modes=MODES,
        refused=refused,
        is_open=appointment["status"] == "scheduled" and instant(appointment["starts_at"]) > time,
        too_late=_too_late(appointment, time),
    )


@router.get("/appointments/{appointment_id}/calendar.ics")
async def calendar_file(appointment_id: str, page: ClientPage) -> Response:
    await client_id_of(page, pass_will_do=True)
    file = await page.api.file(f"/v1/appointments/{part(appointment_id)}/calendar.ics")
    headers = {"Content-Disposition": 'attachment; filename="appointment.ics"'}
    return Response(file.content, media_type="text/calendar", headers=headers)


@router.get("/meet/{appointment_id}")
async def meet(appointment_id: str, page: ClientPage) -> Response:
    """Where a video call takes place: the way out is a link, so that nothing of the call's page is framed here.

    Client and therapist have the same link: whoever has signed in as staff alone is led to their own page.
    """
    known = page.signed_in or page.visit is not None
    if not known and page.cookies.get(page.request, names.STAFF) is not None:
        return RedirectResponse(f"{page.settings.staff_site_url}/meet/{part(appointment_id)}", status_code=303)
    await client_id_of(page, pass_will_do=True)
    appointment = await page.api.get(f"/v1/appointments/{part(appointment_id)}")
    therapist = await page.api.get(f"/v1/therapists/{part(appointment['therapist'])}")
    return page.show(
        "clients/appointments/meet.html",
        one=appointment,
        therapist=therapist,
        room=room_of(page.settings, appointment),
        over=instant(appointment["ends_at"]) < await now(page.api, page.settings),
    )


# ---------------------------------------------------------------- cancel


@router.get("/appointments/{appointment_id}/cancel")
async def look_at_cancel(appointment_id: str, page: ClientPage) -> Response:
    """What cancelling now would mean, before anything is done."""
    await client_id_of(page, pass_will_do=True)
    scope = "following" if page.query.get("scope") == "following" else "one"
    try:
        would = await page.api.post(
            f"/v1/appointments/{part(appointment_id)}/cancel", {"confirm": False, "scope": scope}
        )
    except ApiRefused as refused:
        return await _not_changed(page, appointment_id, refused)
    return page.show("clients/appointments/cancel.html", would=would, scope=scope, one=would["appointment"])


@router.post("/appointments/{appointment_id}/cancel")
async def cancel(appointment_id: str, page: ClientPage) -> Response:
    sent = await page.form()
    await client_id_of(page, pass_will_do=True)
    body: dict[str, Any] = {"scope": sent.get("scope") or "one", **sent.given("reason")}
    try:
        await page.api.post(f"/v1/appointments/{part(appointment_id)}/cancel", body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _not_changed(page, appointment_id, refused)
    return page.go(f"/appointments/{part(appointment_id)}?cancelled=yes")


def _too_late(appointment: dict[str, Any], time: datetime) -> bool:
    """Whether the client can no longer change it alone, though it is still ahead."""
    ahead = appointment["status"] == "scheduled" and time < instant(appointment["starts_at"])
    return ahead and time > instant(appointment["change_until"])


async def _late(page: Page, appointment: dict[str, Any], detail: str = "") -> Response:
    """What cannot be done here any more, what it would cost, and who can do it."""
    therapist = await page.api.get(f"/v1/therapists/{part(appointment['therapist'])}")
    return page.show("clients/appointments/late.html", one=appointment, therapist=therapist, detail=detail, status=409)


async def _not_changed(page: Page, appointment_id: str, refused: ApiRefused) -> Response:
    if refused.name == _LATE:
        return await _late(page, await page.api.get(f"/v1/appointments/{part(appointment_id)}"), refused.detail)
    if refused.status == 404:
        raise refused
    return await _one(page, appointment_id, refused)


# ---------------------------------------------------------------- move


@router.get("/appointments/{appointment_id}/move")
async def look_at_move(appointment_id: str, page: ClientPage) -> Response:
    """The times there are; with one of them what moving there would mean, before anything is done."""
    to = page.query.get("starts_at")
    if not to:
        return await _move(page, appointment_id)
    await client_id_of(page, pass_will_do=True)
    try:
        would = await page.api.post(
            f"/v1/appointments/{part(appointment_id)}/reschedule", {"starts_at": to, "confirm": False}
        )
    except ApiRefused as refused:
        return await _not_moved(page, appointment_id, refused)
    return page.show("clients/appointments/confirm_move.html", would=would, to=to, path=_move_path(appointment_id))


async def _move(page: Page, appointment_id: str, refused: ApiRefused | None = None) -> Response:
    await client_id_of(page, pass_will_do=True)
    appointment = await page.api.get(f"/v1/appointments/{part(appointment_id)}")
    time = await now(page.api, page.settings)
    if _too_late(appointment, time):
        return await _late(page, appointment)
    slug = part(appointment["therapist"])
    today = time.astimezone(ZoneInfo(page.zone)).date()
    first = max(day_asked(page.query.get("from")) or today, today)
    path = _move_path(appointment_id)
    slots = await page.api.get(
        f"/v1/therapists/{slug}/slots",
        type=appointment["type"],
        time_zone=page.zone,
        **{"from": first.isoformat(), "to": (first + timedelta(days=_DAYS - 1)).isoformat()},
    )
    return page.show(
        "clients/appointments/move.html",
        one=appointment,
        therapist=await page.api.get(f"/v1/therapists/{slug}"),
        days=slots["days"],
        chosen=day_chosen(slots["days"], page.query.get("day")),
        path=path,
        link=lambda **change: address_with(path, {"from": first.isoformat(), "day": page.query.get("day")} | change),
        first=first,
        earlier=first - timedelta(days=_DAYS) if first > today else None,
        later=first + timedelta(days=_DAYS),
        refused=refused,
    )


@router.post("/appointments/{appointment_id}/move")
async def move(appointment_id: str, page: ClientPage) -> Response:
    sent = await page.form()
    await client_id_of(page, pass_will_do=True)
    try:
        await page.api.post(
            f"/v1/appointments/{part(appointment_id)}/reschedule",
            {"starts_at": sent.get("starts_at")},
            once=sent.get("once") or None,
        )
    except ApiRefused as refused:
        return await _not_moved(page, appointment_id, refused)
    return page.go(f"/appointments/{part(appointment_id)}?{urlencode({'moved': 'yes'})}")


async def _not_moved(page: Page, appointment_id: str, refused: ApiRefused) -> Response:
    if refused.name in ("slot-taken", "slot-unavailable", "validation-failed"):
        return await _move(page, appointment_id, refused)
    return await _not_changed(page, appointment_id, refused)


def _move_path(appointment_id: str) -> str:
    return f"/appointments/{part(appointment_id)}/move"


async def _therapists(page: Page, appointments: list[dict[str, Any]]) -> dict[str, str]:
    """Names by slug: of most clients one."""
    slugs = list(dict.fromkeys(one["therapist"] for one in appointments))[:3]
    found = [await page.api.get(f"/v1/therapists/{part(slug)}") for slug in slugs]
    return {one["slug"]: one["name"] for one in found}
