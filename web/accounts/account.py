"""The own account: password, address, second factor, sign-ins; for clients, who looked at their record."""

from fastapi import APIRouter
from starlette.responses import Response

from web.accounts.sign_in import signed_in
from web.asking.api import part
from web.asking.problems import ApiRefused
from web.looks.qr import picture
from web.page import AnyPage, Page
from web.sent import Sent

router = APIRouter()


@router.get("/account")
async def account(page: AnyPage) -> Response:
    return await _show(page)


async def _show(page: Page, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    me = await page.me()
    looked = {"items": None, "next_cursor": None}
    if me.get("client_id"):
        path = f"/v1/clients/{me['client_id']}/accesses"
        looked = await page.api.get(path, limit=50, cursor=page.query.get("cursor"))
    return page.show(
        "accounts/account.html",
        sessions=(await page.api.get("/v1/sessions"))["items"],
        factors=await page.api.get("/v1/second-factors"),
        looked=looked["items"],
        cursor=looked["next_cursor"],
        sent=sent,
        refused=refused,
    )


@router.post("/account/password")
async def change_password(page: AnyPage) -> Response:
    sent = await page.form()
    body = {"current": sent.secret("current"), "password": sent.secret("password"), **sent.given("code")}
    try:
        answer = await page.api.post("/v1/passwords", body)
    except ApiRefused as refused:
        return await _show(page, sent, refused)
    return signed_in(page, answer, f"{page.base}/account?changed=password")


@router.post("/account/email")
async def change_email(page: AnyPage) -> Response:
    sent = await page.form()
    body = {"email": sent.get("email"), "current": sent.secret("current_of_email")}
    try:
        await page.api.post("/v1/email-changes", body)
    except ApiRefused as refused:
        return await _show(page, sent, refused)
    return page.go("/account?changed=email")


@router.post("/account/sessions/{session_id}/end")
async def end_session(session_id: str, page: AnyPage) -> Response:
    await page.form()
    await page.api.delete(f"/v1/sessions/{part(session_id)}")
    return page.go("/account?changed=sessions")


@router.post("/account/second-factor")
async def begin_factor(page: AnyPage) -> Response:
    """An authenticator app: the secret is shown once, as a picture and as text."""
    sent = await page.form()
    body = {"kind": "totp", "current": sent.secret("current_of_factor"), **sent.given("code")}
    try:
        begun = await page.api.post("/v1/second-factors", body)
    except ApiRefused as refused:
        return await _show(page, sent, refused)
    return page.show("accounts/factor.html", begun=begun, picture=picture(begun["uri"]))


@router.post("/account/second-factor/{factor_id}/confirm")
async def confirm_factor(factor_id: str, page: AnyPage) -> Response:
    sent = await page.form()
    begun = {"id": factor_id, "uri": sent.get("uri"), "secret": sent.get("secret")}
    try:
        answer = await page.api.post(f"/v1/second-factors/{part(factor_id)}/confirmations", {"code": sent.get("code")})
    except ApiRefused as refused:
        return page.show("accounts/factor.html", begun=begun, picture=picture(begun["uri"]), refused=refused)
    return page.show("accounts/codes.html", codes=answer["recovery_codes"])


@router.post("/account/second-factor/{factor_id}/remove")
async def remove_factor(factor_id: str, page: AnyPage) -> Response:
    sent = await page.form()
    body = {"current": sent.secret("current_of_removal"), "code": sent.get("code_of_removal")}
    try:
        await page.api.post(f"/v1/second-factors/{part(factor_id)}/remove", body)
    except ApiRefused as refused:
        return await _show(page, sent, refused)
    return page.go("/account?changed=factor")
