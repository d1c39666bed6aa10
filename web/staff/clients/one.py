"""One client: the parts of their record, and what is changed on them."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.clock import now
from web.looks.words import minor_units
from web.page import StaffPage
from web.staff.clients.record import PARTS, SETTINGS, change, show_part

router = APIRouter()

_DETAILS = ("first_name", "last_name", "email", "phone", "time_zone", "state")


@router.get("/clients/{client_id}")
async def client(client_id: str, page: StaffPage) -> Response:
    return await show_part(page, client_id, "timeline")


@router.get("/clients/{client_id}/{name}")
async def part_of(client_id: str, name: str, page: StaffPage) -> Response:
    if name not in PARTS:
        return page.show("not_found.html", status=404)
    return await show_part(page, client_id, name)


# ---------------------------------------------------------------- archive and activate


@router.get("/clients/{client_id}/archive/preview")
async def look_at_archive(client_id: str, page: StaffPage) -> Response:
    await page.me()
    client = await page.api.get(f"/v1/clients/{part(client_id)}")
    would = await page.api.get(f"/v1/clients/{part(client_id)}/archive")
    balance = await page.api.get(f"/v1/clients/{part(client_id)}/balance")
    return page.show("staff/clients/record/archive.html", client=client, would=would, balance=balance)


@router.post("/clients/{client_id}/archive")
async def archive(client_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    body = {"notify": bool(sent.get("notify")), **sent.given("reason")}
    answer = await page.api.post(f"/v1/clients/{part(client_id)}/archive", body, once=sent.get("once") or None)
    pending = answer.get("status") == "pending"
    return page.go(f"/clients/{part(client_id)}?{'under_way' if pending else 'archived'}=yes")


@router.get("/clients/{client_id}/activate/preview")
async def look_at_activation(client_id: str, page: StaffPage) -> Response:
    """What the archive had stopped, and what of it can still come back."""
    await page.me()
    client = await page.api.get(f"/v1/clients/{part(client_id)}")
    if client["status"] != "archived":
        return page.go(f"/clients/{part(client_id)}")
    stopped = await page.api.get(f"/v1/clients/{part(client_id)}/archive")
    time = await now(page.api, page.settings)
    return page.show("staff/clients/record/activate.html", client=client, stopped=stopped, now=time, answer=None)


@router.post("/clients/{client_id}/activate")
async def activate(client_id: str, page: StaffPage) -> Response:
    """What could not be brought back is named, with why."""
    sent = await page.form()
    body = {"restore": bool(sent.get("restore"))}
    answer = await page.api.post(f"/v1/clients/{part(client_id)}/unarchive", body, once=sent.get("once") or None)
    if answer.get("status") == "pending":
        return page.go(f"/clients/{part(client_id)}?under_way=yes")
    if answer["not_restored"]:
        await page.me()
        client = await page.api.get(f"/v1/clients/{part(client_id)}")
        return page.show("staff/clients/record/activate.html", client=client, stopped=None, answer=answer)
    back = len(answer["restored"]["appointments"])
    return page.go(f"/clients/{part(client_id)}?activated=yes{f'&restored={back}' if back else ''}")


# ---------------------------------------------------------------- changes


@router.post("/clients/{client_id}/settings")
async def settings(client_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    body: dict[str, Any] = dict(sent.given(*_DETAILS))
    body |= {
        "group": sent.get("group") or None,
        "unsubscribed": bool(sent.get("unsubscribed")),
        "portal_settings": {name: bool(sent.get(f"portal.{name}")) for name in SETTINGS},
    }
    return await change(page, client_id, "settings", sent=sent, body=body)


@router.post("/clients/{client_id}/activation")
async def send_activation(client_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    return await change(page, client_id, "settings", sent=sent, body={}, at="activation", then="sent=yes")


@router.post("/clients/{client_id}/goals")
async def set_goal(client_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    remind = {"weekday": sent.get("weekday"), "at": sent.get("at")} if sent.get("weekday") else None
    body = {"text": sent.get("text"), "remind": remind}
    return await change(page, client_id, "goals", sent=sent, body=body, at="goals")


@router.post("/clients/{client_id}/goals/{goal_id}")
async def settle_goal(client_id: str, goal_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    await page.api.patch(f"/v1/goals/{part(goal_id)}", {"status": sent.get("status")})
    return page.go(f"/clients/{part(client_id)}/goals?done=yes")


@router.post("/clients/{client_id}/credits")
async def give_credit(client_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    body = {"amount": minor_units(sent.get("amount"), sent.get("currency")), **sent.given("currency", "reason")}
    return await change(page, client_id, "money", sent=sent, body=body, at="credits")


@router.post("/clients/{client_id}/chat")
async def begin_chat(client_id: str, page: StaffPage) -> Response:
    """With the client; one that is there already is the same one."""
    sent = await page.form()
    roles = (await page.me())["roles"]
    body = {"kind": "direct" if "therapist" in roles else "care_team", "members": [client_id]}
    try:
        chat = await page.api.post("/v1/chats", body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await show_part(page, client_id, "chat", refused=refused)
    return page.go(f"/chats/{part(chat['id'])}")


@router.post("/clients/{client_id}/openings")
async def open_up(client_id: str, page: StaffPage) -> Response:
    """An hour, with a reason, told to the therapist."""
    sent = await page.form()
    body = {"what": sent.get("what"), "reason": sent.get("reason")}
    name = sent.get("part") if sent.get("part") in PARTS else "timeline"
    return await change(page, client_id, name, sent=sent, body=body, at="openings", then="opened=yes")


@router.post("/clients/{client_id}/openings/{opening_id}/end")
async def close_up(client_id: str, opening_id: str, page: StaffPage) -> Response:
    """Before its hour is over."""
    await page.form()
    await page.api.delete(f"/v1/openings/{part(opening_id)}")
    return page.go(f"/clients/{part(client_id)}/settings?done=yes")
