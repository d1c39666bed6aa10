"""Sessions of one client: booked one by one or as a series; what does not work is answered with what would."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent
from web.staff.calendar.times import chosen_start
from web.staff.clients.record import show_part

router = APIRouter()


@router.post("/clients/{client_id}/sessions")
async def book(client_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    await page.me()
    path = f"/v1/clients/{part(client_id)}/appointments"
    try:
        body = _body(sent) | {"starts_at": chosen_start(sent, page)}
        booked = await page.api.post(path, body, once=sent.get("once") or None)
    except ApiRefused as refused:
        refused = refused.renamed({"starts_at": "time"})
        return await show_part(page, client_id, "sessions", sent=sent, refused=refused)
    if not booked["skipped"]:
        aside = "&aside=yes" if booked.get("exceptions") else ""
        return page.go(f"/clients/{part(client_id)}/sessions?booked={len(booked['appointments'])}{aside}")
    return await _left_out(page, client_id, sent, booked["skipped"], done=len(booked["appointments"]))


@router.post("/clients/{client_id}/sessions/instead")
async def book_instead(client_id: str, page: StaffPage) -> Response:
    """For each date that was left out of a series, the time that was chosen in its place. What is gone meanwhile is
    answered with others."""
    sent = await page.form()
    await page.me()
    await page.api.get(f"/v1/clients/{part(client_id)}")
    path = f"/v1/clients/{part(client_id)}/appointments"
    done, left = 0, []
    for number, was in enumerate(sent.all("was")):
        starts_at = sent.get(f"instead.{number}")
        if not starts_at:
            continue
        body = {"type": "session", "mode": sent.get("mode"), "starts_at": starts_at, **sent.given("reason")}
        try:
            await page.api.post(path, body, once=f"{sent.get('once')}-{number}")
            done += 1
        except ApiRefused as refused:
            if refused.status in (401, 404):
                raise
            others = refused.document.get("alternatives") or []
            left.append({"starts_at": was, "alternatives": others, "because": refused.detail})
    if not left:
        return page.go(f"/clients/{part(client_id)}/sessions{f'?booked={done}' if done else ''}")
    return await _left_out(page, client_id, sent, left, done=done)


async def _left_out(page: Page, client_id: str, sent: Sent, dates: list[dict[str, Any]], *, done: int) -> Response:
    client = await page.api.get(f"/v1/clients/{part(client_id)}")
    return page.show("staff/clients/left_out.html", client=client, dates=dates, done=done, sent=sent)


def _body(sent: Sent) -> dict[str, Any]:
    body: dict[str, Any] = {"type": sent.get("type"), "mode": sent.get("mode"), **sent.given("reason")}
    weeks = sent.get("weeks")
    if sent.get("type") == "session" and weeks and weeks != "1":
        body |= {
            "weeks": int(weeks) if weeks.isdecimal() else weeks,
            "every": int(sent.get("every")) if sent.get("every").isdecimal() else 1,
            "on_closure": "skip" if sent.get("on_closure") == "skip" else "ask",
            "skip_conflicts": bool(sent.get("skip_conflicts")),
        }
    return body
