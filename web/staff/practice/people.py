"""People of the practice: invited, their roles, and their end."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()

ROLES = (("therapist", "Therapist"), ("care_team", "Care team"), ("admin", "Admin"))


@router.get("/staff")
async def people(page: StaffPage) -> Response:
    return await _show(page)


async def _show(page: Page, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    await page.me()
    return page.show(
        "staff/practice/people.html",
        people=(await page.api.get("/v1/staff", limit=200))["items"],
        invitations=(await page.api.get("/v1/invitations", limit=200))["items"],
        therapists=(await page.api.get("/v1/therapists", limit=200))["items"],
        roles=ROLES,
        sent=sent,
        refused=refused,
    )


@router.post("/staff")
async def invite(page: StaffPage) -> Response:
    sent = await page.form()
    body: dict[str, Any] = {**sent.given("name", "email", "therapist"), "roles": sent.all("roles")}
    try:
        await page.api.post("/v1/staff", body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _show(page, sent, refused)
    return page.go("/staff?done=invited")


@router.post("/staff/{staff_id}/roles")
async def change_roles(staff_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    body = {"roles": sent.all("roles"), "therapist": sent.get("therapist") or None}
    try:
        await page.api.patch(f"/v1/staff/{part(staff_id)}", body)
    except ApiRefused as refused:
        return await _show(page, sent, refused)
    return page.go("/staff?done=roles")


@router.post("/staff/{staff_id}/{act}")
async def act(staff_id: str, act: str, page: StaffPage) -> Response:
    """Lock or unlock an account, or end it."""
    await page.form()
    path = f"/v1/staff/{part(staff_id)}"
    try:
        match act:
            case "lock":
                await page.api.post(f"{path}/lock")
            case "unlock":
                await page.api.delete(f"{path}/lock")
            case "end":
                await page.api.delete(path)
            case _:
                return page.show("not_found.html", status=404)
    except ApiRefused as refused:
        return await _show(page, refused=refused)
    return page.go(f"/staff?done={act}")


@router.post("/invitations/{invitation_id}/{act}")
async def of_invitation(invitation_id: str, act: str, page: StaffPage) -> Response:
    await page.form()
    path = f"/v1/invitations/{part(invitation_id)}"
    if act == "resend":
        await page.api.post(f"{path}/resend")
    else:
        await page.api.delete(path)
    return page.go(f"/staff?done={'resent' if act == 'resend' else 'revoked'}")
