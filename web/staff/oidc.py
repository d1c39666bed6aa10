"""Signing in at the practice's provider (OpenID Connect). The way there is a link: no form may be redirected away."""

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import Response

from web.accounts.second_step import Wanted, shown_factor
from web.accounts.sign_in import show_sign_in, signed_in
from web.asking.problems import ApiRefused
from web.edge import cookies as names
from web.page import Page, StaffPage
from web.sent import Sent

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
    return await _sign_in(page, page.query.get("code", ""), page.query.get("state", ""), None)


@router.post("/sign-in/oidc")
async def with_second_factor(page: StaffPage) -> Response:
    """What the provider said, once more, with the second factor that the account has here."""
    sent = await page.form()
    return await _sign_in(page, sent.get("provider_code"), sent.get("state"), sent)


async def _sign_in(page: Page, code: str, state: str, sent: Sent | None) -> Response:
    shown = {"code": code, "state": state, "secret": page.cookies.get(page.request, names.OIDC)}
    if not all(shown.values()):
        detail = "This sign-in was begun in another browser, or too long ago."
        return show_sign_in(page, refused=ApiRefused(410, {"type": "link-invalid", "detail": detail}))
    page.api.token = None
    factor = shown_factor(sent) if sent is not None else {}
    try:
        answer = await page.api.post("/v1/sessions", {"oidc": shown, "side": "staff", **factor})
    except ApiRefused as refused:
        wanted = Wanted.by(refused, sent or Sent(FormData()))
        if wanted is None or refused.status == 410:
            return show_sign_in(page, refused=refused)
        told = refused if factor else None
        return page.show("accounts/provider_factor.html", shown=shown, wanted=wanted, refused=told)
    response = signed_in(page, answer)
    page.cookies.drop(response, names.OIDC)
    return response
