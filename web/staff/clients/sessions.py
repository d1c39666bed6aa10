"""Sessions of one client: booked one by one or as a series; what does not work is answered with what would."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import StaffPage
from web.sent import Sent
from web.staff.calendar.appointments import local_start
from web.staff.clients.record import show_part

router = APIRouter()


@router.post("/clients/{client_id}/sessions")
async def book(client_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    await page.me()
    path = f"/v1/clients/{part(client_id)}/appointments"
    try:
        body = _body(sent) | {"starts_at": sent.get("starts_at") or local_start(sent, page)}
        booked = await page.api.post(path, body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await show_part(page, client_id, "sessions", sent=sent, refused=refused.renamed({"starts_at": "date"}))
    if not booked["skipped"]:
        return page.go(f"/clients/{part(client_id)}/sessions?booked={len(booked['appointments'])}")
    listed = await page.api.get("/v1/appointments", client=client_id, limit=200)
    values = {"items": list(reversed(listed["items"])), "offers": [], "booked": booked}
    return await show_part(page, client_id, "sessions", values=values)


def _body(sent: Sent) -> dict[str, Any]:
    body: dict[str, Any] = {"type": sent.get("type"), "mode": sent.get("mode"), **sent.given("reason")}
    weeks = sent.get("weeks")
    if sent.get("type") == "session" and weeks and weeks != "1":
        body |= {
            "weeks": int(weeks) if weeks.isdigit() else weeks,
            "every": int(sent.get("every")) if sent.get("every").isdigit() else 1,
            "on_closure": "skip" if sent.get("on_closure") == "skip" else "ask",
            "skip_conflicts": bool(sent.get("skip_conflicts")),
        }
    return body
