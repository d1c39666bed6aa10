"""Signing in at the practice's provider (OpenID Connect). The way there is a link: no form may be redirected away."""

from fastapi import APIRouter
from starlette.responses import Response

from web.accounts.sign_in import show_sign_in, signed_in
from web.asking.problems import ApiRefused
from web.edge import cookies as names
from web.page import StaffPage

router = APIRouter()

_KEPT = 600  # seconds


@router.post("/sign-in/provider")
async def to_provider(page: StaffPage) -> Response:
    await page.form()
    page.api.token = None
    try:
        begun = await page.api.post("/v1/sessions/oidc", {})
    except ApiRefused as refused:
        return show_sign_in(page, refused=refused)
    response = page.show("accounts/provider.html", url=begun["url"])
    page.cookies.put(response, names.OIDC, begun["secret"], keep=_KEPT)
    return response


@router.get("/sign-in/oidc")
async def from_provider(page: StaffPage) -> Response:
    """Where the provider sends people back to, in the browser that began it."""
    secret = page.cookies.get(page.request, names.OIDC)
    shown = {"code": page.query.get("code", ""), "state": page.query.get("state", ""), "secret": secret}
    if not all(shown.values()):
        detail = "This sign-in was begun in another browser, or too long ago."
        return show_sign_in(page, refused=ApiRefused(410, {"type": "link-invalid", "detail": detail}))
    page.api.token = None
    try:
        answer = await page.api.post("/v1/sessions", {"oidc": shown, "side": "staff"})
    except ApiRefused as refused:
        return show_sign_in(page, refused=refused)
    response = signed_in(page, answer)
    page.cookies.drop(response, names.OIDC)
    return response
