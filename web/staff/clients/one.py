"""One client: who they are and what is awaited, what needs a person, and then the parts of their record."""

from decimal import Decimal, InvalidOperation
from typing import Any

from babel.numbers import get_currency_precision
from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent
from web.staff.calendar.appointments import local_start

router = APIRouter()

PARTS = ("timeline", "sessions", "forms", "notes", "documents", "goals", "money", "settings")
_LISTS = {
    "timeline": "/v1/clients/{}/timeline",
    "forms": "/v1/clients/{}/forms",
    "notes": "/v1/clients/{}/notes",
    "documents": "/v1/clients/{}/documents",
    "goals": "/v1/clients/{}/goals",
    "money": "/v1/clients/{}/payments",
}
_DETAILS = ("first_name", "last_name", "email", "phone", "time_zone", "state")
_SETTINGS = ("schedule_appointments", "chat", "community", "documents", "forms", "goals")


@router.get("/clients/{client_id}")
async def client(client_id: str, page: StaffPage) -> Response:
    return await _part(page, client_id, "timeline")


@router.get("/clients/{client_id}/forms/{kind}/signed.pdf")
async def signed_copy(client_id: str, kind: str, page: StaffPage) -> Response:
    await page.me()
    file = await page.api.file(f"/v1/clients/{part(client_id)}/forms/{part(kind)}/signed.pdf")
    headers = {"Content-Disposition": f'attachment; filename="{part(kind)}.pdf"'}
    return Response(file.content, media_type="application/pdf", headers=headers)


@router.get("/clients/{client_id}/{name}")
async def part_of(client_id: str, name: str, page: StaffPage) -> Response:
    if name not in PARTS:
        return page.show("not_found.html", status=404)
    return await _part(page, client_id, name)


async def _part(
    page: Page, client_id: str, name: str, *, sent: Sent | None = None, refused: ApiRefused | None = None
) -> Response:
    """At most six calls: who asks, the client, what is awaited, what needs a person, and the part itself."""
    me = await page.me()
    whose = part(client_id)
    client = await page.api.get(f"/v1/clients/{whose}")
    journey = await page.api.get(f"/v1/clients/{whose}/journey")
    values: dict[str, Any] = {"items": [], "cursor": None, "closed": None, "tasks": []}
    if "care_team" in me["roles"]:
        values["tasks"] = (await page.api.get("/v1/tasks", client=client_id, resolved="false", limit=20))["items"]
    try:
        if name == "sessions":
            found = await page.api.get("/v1/appointments", client=client_id, limit=200)
            values["items"] = list(reversed(found["items"]))
        elif name in _LISTS:
            found = await page.api.get(_LISTS[name].format(whose), limit=50, cursor=page.query.get("cursor"))
            values |= {"items": found["items"], "cursor": found["next_cursor"]}
    except ApiRefused as closed:
        if closed.name != "opening-required":
            raise
        values["closed"] = closed
    if name == "money":
        values["balance"] = await page.api.get(f"/v1/clients/{whose}/balance")
    if name == "settings":
        values["groups"] = (await page.api.get("/v1/groups", limit=200))["items"]
    if name == "forms" and "care_team" not in me["roles"]:
        values["templates"] = (await page.api.get("/v1/form-templates", limit=100))["items"]
    return page.show(
        f"staff/clients/{name}.html",
        client=client,
        journey=journey,
        part=name,
        all_parts=PARTS,
        all_settings=_SETTINGS,
        sent=sent,
        refused=refused,
        **values,
    )


# ---------------------------------------------------------------- archive and activate


@router.get("/clients/{client_id}/archive/preview")
async def look_at_archive(client_id: str, page: StaffPage) -> Response:
    await page.me()
    client = await page.api.get(f"/v1/clients/{part(client_id)}")
    would = await page.api.get(f"/v1/clients/{part(client_id)}/archive")
    return page.show("staff/clients/archive.html", client=client, would=would)


@router.post("/clients/{client_id}/archive")
async def archive(client_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    body = {"notify": bool(sent.get("notify")), **sent.given("reason")}
    await page.api.post(f"/v1/clients/{part(client_id)}/archive", body, once=sent.get("once") or None)
    return page.go(f"/clients/{part(client_id)}?archived=yes")


@router.post("/clients/{client_id}/activate")
async def activate(client_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    await page.api.post(
        f"/v1/clients/{part(client_id)}/unarchive",
        {"restore": bool(sent.get("restore"))},
        once=sent.get("once") or None,
    )
    return page.go(f"/clients/{part(client_id)}?activated=yes")


# ---------------------------------------------------------------- changes


@router.post("/clients/{client_id}/settings")
async def change(client_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    body: dict[str, Any] = dict(sent.given(*_DETAILS))
    body |= {
        "group": sent.get("group") or None,
        "unsubscribed": bool(sent.get("unsubscribed")),
        "portal_settings": {name: bool(sent.get(f"portal.{name}")) for name in _SETTINGS},
    }
    return await _change(page, client_id, "settings", sent=sent, body=body)


@router.post("/clients/{client_id}/forms")
async def ask_for_form(client_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    body = {"kind": sent.get("kind")}
    return await _change(page, client_id, "forms", sent=sent, body=body, at="forms")


@router.post("/clients/{client_id}/goals")
async def set_goal(client_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    remind = {"weekday": sent.get("weekday"), "at": sent.get("at")} if sent.get("weekday") else None
    body = {"text": sent.get("text"), "remind": remind}
    return await _change(page, client_id, "goals", sent=sent, body=body, at="goals")


@router.post("/clients/{client_id}/sessions")
async def book(client_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    body: dict[str, Any] = {
        "type": sent.get("type"),
        "starts_at": local_start(sent, page),
        "mode": sent.get("mode"),
        "skip_conflicts": bool(sent.get("skip_conflicts")),
        **sent.given("reason"),
    }
    if sent.get("type") == "session" and sent.get("weeks").isdigit():
        body |= {"weeks": int(sent.get("weeks")), "every": int(sent.get("every") or 1)}
    return await _change(page, client_id, "sessions", sent=sent, body=body, at="appointments")


@router.post("/clients/{client_id}/documents")
async def share(client_id: str, page: StaffPage) -> Response:
    """Upload a document and share it with this client."""
    sent = await page.form()
    file = sent.file("file")
    if file is None:
        document = {"type": "validation-failed", "errors": [{"field": "file", "message": "is needed"}]}
        return await _part(page, client_id, "documents", sent=sent, refused=ApiRefused(422, document))
    once = sent.get("once")
    try:
        made = await page.api.upload(
            "/v1/documents",
            {"title": sent.get("title") or file.filename or "Document"},
            (file.filename or "document", await file.read(), file.content_type or "application/octet-stream"),
            once=once,
        )
        await page.api.post(f"/v1/documents/{made['id']}/shares", {"client_id": client_id}, once=f"{once}-share")
    except ApiRefused as refused:
        return await _part(page, client_id, "documents", sent=sent, refused=refused)
    return page.go(f"/clients/{part(client_id)}/documents?done=yes")


@router.post("/clients/{client_id}/documents/{document_id}/unshare")
async def unshare(client_id: str, document_id: str, page: StaffPage) -> Response:
    await page.form()
    await page.api.delete(f"/v1/documents/{part(document_id)}/shares/{part(client_id)}")
    return page.go(f"/clients/{part(client_id)}/documents?done=yes")


@router.post("/clients/{client_id}/credits")
async def give_credit(client_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    body = {"amount": minor_units(sent.get("amount"), sent.get("currency")), **sent.given("currency", "reason")}
    return await _change(page, client_id, "money", sent=sent, body=body, at="credits")


@router.post("/clients/{client_id}/openings")
async def open_up(client_id: str, page: StaffPage) -> Response:
    """An hour, with a reason, told to the therapist."""
    sent = await page.form()
    body = {"what": sent.get("what"), "reason": sent.get("reason")}
    name = sent.get("part") if sent.get("part") in PARTS else "timeline"
    return await _change(page, client_id, name, sent=sent, body=body, at="openings")


async def _change(page: Page, client_id: str, name: str, *, sent: Sent, body: dict[str, Any], at: str = "") -> Response:
    """``name``: the part of the record that it belongs to. ``at``: the call below the client's; without one the client
    themselves are changed."""
    path = f"/v1/clients/{part(client_id)}"
    try:
        if at:
            await page.api.post(f"{path}/{at}", body, once=sent.get("once") or None)
        else:
            await page.api.patch(path, body)
    except ApiRefused as refused:
        return await _part(page, client_id, name, sent=sent, refused=refused)
    return page.go(f"/clients/{part(client_id)}/{name}?done=yes")


def minor_units(text: str, currency: str) -> int | str:
    """``120.50`` as 12050; as it was typed where it is no amount, for the API to say so."""
    try:
        amount = Decimal(text).scaleb(get_currency_precision(currency.upper() or "USD"))
    except InvalidOperation:
        return text
    return int(amount) if amount == amount.to_integral_value() else text
