"""Links in mails to clients, beside those of accounts: two records of one person, and no more of these mails."""

from fastapi import APIRouter
from starlette.responses import Response

from web.accounts.links import confirm
from web.asking.api import part
from web.page import ClientPage

router = APIRouter()


@router.post("/activation-link")
async def new_link(page: ClientPage) -> Response:
    """For whoever booked a moment ago, by their pass; anybody else asks for a new password, which is the same link."""
    await page.form()
    if page.visit is None:
        return page.go("/reset")
    await page.api.post(f"/v1/clients/{page.visit.client_id}/activation")
    return page.show("accounts/mailed.html")


@router.get("/join/{token}")
async def look_at_join(page: ClientPage) -> Response:
    return page.show("accounts/confirm.html", kind="join", confirmed=None)


@router.post("/join/{token}")
async def join(token: str, page: ClientPage) -> Response:
    return await confirm(page, "join", "/v1/joins", {"token": token})


@router.get("/unsubscribe/{token}")
async def look_at_unsubscribe(page: ClientPage) -> Response:
    return page.show("accounts/confirm.html", kind="unsubscribe", confirmed=None)


@router.post("/unsubscribe/{token}")
async def unsubscribe(token: str, page: ClientPage) -> Response:
    """Mail programs post here by themselves (RFC 8058), so no mark of ours is asked for."""
    await page.api.post_form(f"/unsubscribe/{part(token)}", {"List-Unsubscribe": "One-Click"})
    return page.show("accounts/confirm.html", kind="unsubscribe", confirmed={})
