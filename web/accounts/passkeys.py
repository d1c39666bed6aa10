"""Passkeys: script asks the browser for one, and a form sends what it answers (``web/static/passkeys.js``)."""

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from web.accounts.second_step import shown_passkey
from web.accounts.sign_in import known_device, show_sign_in, signed_in_again
from web.asking.problems import ApiRefused
from web.page import AnyPage, Page

router = APIRouter()

_NO_SCRIPT = "No passkey was shown. These pages ask for one by script: is it off in this browser? Go another way then."
_NO_FIT = "This passkey does not fit. Please try again, or go another way."


@router.post("/sign-in/passkey")
async def sign_in_by_passkey(page: AnyPage) -> Response:
    """Alone: it is two factors by itself."""
    sent = await page.form()
    page.api.token = None
    shown = shown_passkey(sent.get("alone"))
    if shown is None:
        return show_sign_in(page, next=sent.get("next"), refused=_refused(422, _NO_SCRIPT))
    try:
        answer = await page.api.post("/v1/sessions", {"passkey": shown, "side": page.side, **known_device(page)})
    except ApiRefused as refused:
        told = _refused(422, _NO_FIT) if refused.fields else refused
        return show_sign_in(page, next=sent.get("next"), refused=told)
    return signed_in_again(page, answer, sent)


@router.post("/sign-in/passkey/options")
async def asked_to_sign_in(page: AnyPage) -> Response:
    await page.form()
    page.api.token = None
    return await _options(page, "/v1/sessions/challenges", {"side": page.side})


@router.post("/account/passkeys/options")
async def asked_to_change(page: AnyPage) -> Response:
    await page.form()
    page.must_be_signed_in()
    return await _options(page, "/v1/second-factors/challenges")


async def _options(page: Page, path: str, body: dict[str, str] | None = None) -> Response:
    """For the script: what the browser is asked with, or why it cannot be asked, in the API's words."""
    try:
        return JSONResponse(await page.api.post(path, body))
    except ApiRefused as refused:
        if refused.status == 401:
            raise
        headers = {"Retry-After": refused.retry_after} if refused.retry_after else None
        return JSONResponse({"detail": refused.detail}, status_code=refused.status, headers=headers)


def _refused(status: int, detail: str) -> ApiRefused:
    return ApiRefused(status, {"type": "validation-failed", "detail": detail})
