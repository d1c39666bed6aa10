"""Matching by hand: everyone who would fit, and why; who does not, and why not."""

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()


@router.get("/clients/{client_id}/match")
async def candidates(client_id: str, page: StaffPage) -> Response:
    return await _candidates(page, client_id)


async def _candidates(
    page: Page, client_id: str, sent: Sent | None = None, refused: ApiRefused | None = None
) -> Response:
    """Everyone who would fit, and why; and what was answered."""
    await page.me()
    whose = part(client_id)
    return page.show(
        "staff/desk/match.html",
        client=await page.api.get(f"/v1/clients/{whose}"),
        match=await page.api.get(f"/v1/clients/{whose}/match"),
        candidates=await page.api.get(f"/v1/clients/{whose}/candidates"),
        sent=sent,
        refused=refused,
    )


@router.post("/clients/{client_id}/match")
async def match(client_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    body = {
        "therapist": sent.get("therapist"),
        "reason": sent.get("reason"),
        "cancel_appointments": bool(sent.get("cancel_appointments")),
    }
    try:
        await page.api.put(f"/v1/clients/{part(client_id)}/match", body)
    except ApiRefused as refused:
        return await _candidates(page, client_id, sent, refused)
    return page.go(f"/clients/{part(client_id)}?matched=yes")
