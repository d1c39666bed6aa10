"""People of the practice: invited, their roles, and their end."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import Json, part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()

ROLES = (
    ("therapist", "Therapist", "Sees their own clients; needs a profile"),
    ("care_team", "Care team", "Sees every client, payments and what needs a person"),
    ("admin", "Owner", "Sees people, texts, settings and totals, and no client"),
)


@router.get("/staff")
async def people(page: StaffPage) -> Response:
    await page.me()
    found = await page.api.get("/v1/staff", limit=100, cursor=page.query.get("cursor"))
    invited = await page.api.get("/v1/invitations", limit=200)
    return page.show(
        "staff/practice/people.html",
        people=found["items"],
        cursor=found["next_cursor"],
        invitations=invited["items"],
        roles={role: name for role, name, _ in ROLES},
        names=await _names(page),
    )


async def _names(page: Page) -> dict[str, str]:
    """Of the therapists, by slug."""
    return {one["slug"]: one["name"] for one in (await page.api.get("/v1/therapists", limit=200))["items"]}


@router.get("/staff/invite")
async def form(page: StaffPage) -> Response:
    return await _show_invitation(page)


async def _show_invitation(page: Page, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    await page.me()
    return page.show(
        "staff/practice/invite.html",
        roles=ROLES,
        profiles=await _free_profiles(page),
        sent=sent,
        refused=_in_words(refused),
    )


async def _free_profiles(page: Page, *, of: str | None = None) -> list[tuple[str, str]]:
    """Those that nobody has, and that of whoever is changed."""
    people = (await page.api.get("/v1/staff", limit=200))["items"]
    waiting = (await page.api.get("/v1/invitations", limit=200))["items"]
    taken = {one["therapist"] for one in (*people, *waiting) if not one.get("ended_at")} - {of}
    return [(slug, name) for slug, name in (await _names(page)).items() if slug not in taken]


def _in_words(refused: ApiRefused | None) -> ApiRefused | None:
    """The API speaks of slugs."""
    if refused is None or "slug" not in refused.fields.get("therapist", ""):
        return refused
    said = "choose whose profile it is: it goes with the role Therapist, and with no other"
    lines = [{"field": name, "message": said if name == "therapist" else text} for name, text in refused.fields.items()]
    return ApiRefused(refused.status, refused.document | {"errors": lines})


@router.post("/staff/invite")
async def invite(page: StaffPage) -> Response:
    sent = await page.form()
    body: dict[str, Any] = {**sent.given("name", "email", "therapist"), "roles": sent.all("roles")}
    try:
        await page.api.post("/v1/staff", body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _show_invitation(page, sent, refused)
    return page.go("/staff?done=invited")


@router.get("/staff/{staff_id}")
async def one(staff_id: str, page: StaffPage) -> Response:
    return await _show(page, staff_id)


async def _show(page: Page, staff_id: str, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    me = await page.me()
    person = await _person(page, staff_id)
    if person is None:
        return page.show("not_found.html", status=404)
    return page.show(
        "staff/practice/person.html",
        person=person,
        is_own=person["email"] == me.get("email"),
        roles=ROLES,
        profiles=await _free_profiles(page, of=person["therapist"]),
        sent=sent,
        refused=_in_words(refused),
    )


async def _person(page: Page, staff_id: str) -> Json | None:
    cursor = None
    while True:
        found = await page.api.get("/v1/staff", limit=200, cursor=cursor)
        for one in found["items"]:
            if one["id"] == staff_id:
                return dict(one)
        cursor = found["next_cursor"]
        if cursor is None:
            return None


@router.post("/staff/{staff_id}")
async def change(staff_id: str, page: StaffPage) -> Response:
    """Name, roles and profile, in force at once."""
    sent = await page.form()
    body: dict[str, Any] = {**sent.given("name"), "roles": sent.all("roles")}
    body["therapist"] = sent.get("therapist") or None
    try:
        await page.api.patch(f"/v1/staff/{part(staff_id)}", body)
    except ApiRefused as refused:
        return await _show(page, staff_id, sent, refused)
    return page.go(f"/staff/{part(staff_id)}?done=changed")


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
        return await _show(page, staff_id, refused=refused)
    return page.go(f"/staff/{part(staff_id)}?done={act}")


@router.post("/invitations/{invitation_id}/{act}")
async def of_invitation(invitation_id: str, act: str, page: StaffPage) -> Response:
    await page.form()
    path = f"/v1/invitations/{part(invitation_id)}"
    if act == "resend":
        await page.api.post(f"{path}/resend")
    elif act == "revoke":
        await page.api.delete(path)
    else:
        return page.show("not_found.html", status=404)
    return page.go(f"/staff?done={'resent' if act == 'resend' else 'revoked'}")
