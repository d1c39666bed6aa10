"""The own account: password, address, second factors, sign-ins; for clients, who looked at their record."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.accounts.second_step import shown_passkey
from web.asking.api import part
from web.asking.problems import GONE, ApiRefused
from web.looks.qr import picture
from web.page import AnyPage, Page
from web.sent import Sent

router = APIRouter()


@router.get("/account")
async def account(page: AnyPage) -> Response:
    return await _show(page)


async def _show(page: Page, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    me = await page.me()
    factors = await page.api.get("/v1/second-factors")
    if factors["required"] and not factors["items"]:  # such a sign-in opens nothing else
        return page.show("accounts/first_factor.html", factors=factors, sent=sent, refused=refused)
    looked = {"items": None, "next_cursor": None}
    if me.get("client_id"):
        path = f"/v1/clients/{me['client_id']}/accesses"
        looked = await page.api.get(path, limit=50, cursor=page.query.get("cursor"))
    return page.show(
        "accounts/account.html",
        sessions=(await page.api.get("/v1/sessions"))["items"],
        factors=factors,
        looked=looked["items"],
        cursor=looked["next_cursor"],
        sent=sent,
        refused=refused,
    )


async def _try(page: Page, form: str, path: str, *fields: str, **more: str) -> Any:
    """One of the forms of this page, whose inputs are named after it. Returns the API's answer, or the page with what
    was wrong beside its inputs."""
    sent = await page.form()
    read = {"current": sent.secret, "password": sent.secret}
    given: dict[str, Any] = {name: value for name in fields if (value := read.get(name, sent.get)(f"{form}.{name}"))}
    if "code" in fields and (passkey := shown_passkey(sent.get(f"{form}.passkey"))) is not None:
        given = {name: value for name, value in given.items() if name != "code"} | {"passkey": passkey}
    try:
        return await page.api.post(path, {**given, **more})
    except ApiRefused as refused:
        if refused.status in GONE:
            raise
        return await _show(page, sent, refused.renamed({name: f"{form}.{name}" for name in (*fields, "passkey")}))


@router.post("/account/password")
async def change_password(page: AnyPage) -> Response:
    answer = await _try(page, "password", "/v1/passwords", "current", "password")
    return answer if isinstance(answer, Response) else page.go("/account?changed=password")


@router.post("/account/email")
async def change_email(page: AnyPage) -> Response:
    answer = await _try(page, "address", "/v1/email-changes", "current", "email")
    return answer if isinstance(answer, Response) else page.go("/account?changed=email")


@router.post("/account/sessions/{session_id}/end")
async def end_session(session_id: str, page: AnyPage) -> Response:
    await page.form()
    await page.api.delete(f"/v1/sessions/{part(session_id)}")
    return page.go("/account?changed=sessions")


@router.post("/account/sessions/end-others")
async def end_other_sessions(page: AnyPage) -> Response:
    """Each by itself: ending all would end this one, and every known device."""
    await page.form()
    for one in (await page.api.get("/v1/sessions"))["items"]:
        if not one["current"]:
            await page.api.delete(f"/v1/sessions/{part(one['id'])}")
    return page.go("/account?changed=sessions")


@router.post("/account/second-factor")
async def begin_factor(page: AnyPage) -> Response:
    """An authenticator app: the secret is shown once, as a picture and as text."""
    begun = await _try(page, "factor", "/v1/second-factors", "current", "code", "name", kind="totp")
    if isinstance(begun, Response):
        return begun
    return page.show("accounts/factor.html", begun=begun, picture=picture(begun["uri"]))


@router.post("/account/second-factor/{factor_id}/confirm")
async def confirm_factor(factor_id: str, page: AnyPage) -> Response:
    sent = await page.form()
    begun = {"id": factor_id, "uri": sent.get("uri"), "secret": sent.get("secret")}
    try:
        answer = await page.api.post(f"/v1/second-factors/{part(factor_id)}/confirmations", {"code": sent.get("code")})
    except ApiRefused as refused:
        if refused.status in GONE:
            return page.go("/account?changed=lapsed")
        return page.show("accounts/factor.html", begun=begun, picture=picture(begun["uri"]), refused=refused)
    return page.show("accounts/codes.html", codes=answer["recovery_codes"], renewed=False)


@router.post("/account/passkeys")
async def begin_passkey(page: AnyPage) -> Response:
    """The browser is to make one, by script, once the password is right."""
    begun = await _try(page, "key", "/v1/second-factors", "current", "code", "name", kind="passkey")
    return begun if isinstance(begun, Response) else page.show("accounts/passkey.html", begun=begun)


@router.post("/account/passkeys/{factor_id}/confirm")
async def confirm_passkey(factor_id: str, page: AnyPage) -> Response:
    sent = await page.form()
    made = shown_passkey(sent.get("credential"))
    if made is None:
        return page.go("/account?changed=no-passkey")
    try:
        answer = await page.api.post(f"/v1/second-factors/{part(factor_id)}/confirmations", {"credential": made})
    except ApiRefused as refused:
        if refused.status in GONE or refused.fields:
            return page.go("/account?changed=lapsed")
        return await _show(page, refused=refused)
    if answer["recovery_codes"]:
        return page.show("accounts/codes.html", codes=answer["recovery_codes"], renewed=False)
    return page.go("/account?changed=passkey")


@router.post("/account/second-factor/{factor_id}/remove")
async def remove_factor(factor_id: str, page: AnyPage) -> Response:
    path = f"/v1/second-factors/{part(factor_id)}/remove"
    answer = await _try(page, f"removal.{factor_id}", path, "current", "code")
    return answer if isinstance(answer, Response) else page.go("/account?changed=factor")


@router.post("/account/recovery-codes")
async def renew_codes(page: AnyPage) -> Response:
    answer = await _try(page, "renewal", "/v1/second-factors/recovery-codes", "current", "code")
    if isinstance(answer, Response):
        return answer
    return page.show("accounts/codes.html", codes=answer["recovery_codes"], renewed=True)
