"""Signing in and out: by address and password, with a code where the account has a second factor."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from web.accounts.second_step import Wanted, shown_factor
from web.asking.problems import SECOND_FACTOR, ApiRefused
from web.edge import cookies as names
from web.edge.cookies import DEVICE_KEPT
from web.home import home_of
from web.page import AnyPage, Page, own_path
from web.sent import Sent
from web.serving.typed import again

router = APIRouter()


@router.get("/sign-in")
async def form(page: AnyPage) -> Response:
    return show_sign_in(page, next=page.query.get("next", ""))


def show_sign_in(
    page: Page,
    *,
    next: str = "",
    wanted: Wanted | None = None,
    sent: Sent | None = None,
    refused: ApiRefused | None = None,
) -> Response:
    kept = sent.get("kept") if sent else ""
    return page.show("accounts/sign_in.html", next=next, wanted=wanted, kept=kept, sent=sent, refused=refused)


@router.post("/sign-in")
async def sign_in(page: AnyPage) -> Response:
    sent = await page.form()
    page.api.token = None
    body: dict[str, Any] = {"email": sent.get("email"), "password": sent.secret("password"), "side": page.side}
    shown = shown_factor(sent)
    try:
        answer = await page.api.post("/v1/sessions", body | shown | known_device(page))
    except ApiRefused as refused:
        wanted = Wanted.by(refused, sent)
        told = refused if shown or refused.name != SECOND_FACTOR else None
        return show_sign_in(page, next=sent.get("next"), wanted=wanted, sent=sent, refused=told)
    return signed_in_again(page, answer, sent)


def signed_in_again(page: Page, answer: dict[str, Any], sent: Sent) -> Response:
    """On to what was typed before a sign-in had ended, if there is any; else to where it was asked for."""
    page.token_to_be = answer["token"]
    typed = again(page, sent.get("kept")) if sent.get("kept") else None
    return with_sign_in(page, typed, answer) if typed else signed_in(page, answer, sent.get("next"))


def known_device(page: Page) -> dict[str, str]:
    device = page.cookies.get(page.request, names.DEVICE_OF[page.side])
    return {"device": device} if device else {}


@router.post("/sign-out")
async def sign_out(page: AnyPage) -> Response:
    await page.form()
    if page.signed_in:
        try:
            await page.api.delete("/v1/sessions/current")
        except ApiRefused as refused:  # it had ended by itself
            if refused.status != 401:
                raise
    response = page.go("/sign-in" if page.side == names.STAFF else "/")
    response.headers["Clear-Site-Data"] = '"cache"'
    page.cookies.drop(response, page.side)
    return response


def signed_in(page: Page, answer: dict[str, Any], then: str = "") -> Response:
    """``answer``: a new sign-in. ``then``: where it was asked for, if that is a page of this side. The pass of before
    has ended with it."""
    there = own_path(then, otherwise="")
    home = f"{page.base}{home_of(page.side, answer)}"
    response = RedirectResponse(there if there.startswith(f"{page.base}/") else home, status_code=303)
    return with_sign_in(page, response, answer)


def with_sign_in(page: Page, response: Response, answer: dict[str, Any]) -> Response:
    page.cookies.put(response, page.side, answer["token"])
    page.cookies.put(response, names.DEVICE_OF[page.side], answer["device"], keep=DEVICE_KEPT)
    if page.side == names.CLIENT:
        page.cookies.drop(response, names.VISIT)
    return response
