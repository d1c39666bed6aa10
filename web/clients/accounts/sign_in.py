"""Signing in and out: by address and password, with a code where the account has a second factor."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.problems import ApiRefused
from web.edge import cookies as names
from web.edge.cookies import DEVICE_KEPT
from web.page import ClientPage, Page, own_path

router = APIRouter()


@router.get("/sign-in")
async def form(page: ClientPage) -> Response:
    return page.show("clients/sign_in.html", next=_next(page.query.get("next")), code=False)


@router.post("/sign-in")
async def sign_in(page: ClientPage) -> Response:
    sent = await page.form()
    asks, then = bool(sent.get("asks_code")), _next(sent.get("next"))
    body: dict[str, Any] = {"email": sent.get("email"), "password": sent.secret("password"), "side": "client"}
    if sent.get("code"):
        body["code"] = sent.get("code")
    device = page.cookies.get(page.request, names.DEVICE)
    if device is not None:
        body["device"] = device
    page.api.token = None
    try:
        answer = await page.api.post("/v1/sessions", body)
    except ApiRefused as refused:
        asks = asks or refused.name == "second-factor-required"
        first = refused.name == "second-factor-required" and not sent.get("code")
        return page.show("clients/sign_in.html", next=then, code=asks, sent=sent, refused=None if first else refused)
    return signed_in(page, answer, then)


@router.post("/sign-out")
async def sign_out(page: ClientPage) -> Response:
    await page.form()
    if page.signed_in:
        try:
            await page.api.delete("/v1/sessions/current")
        except ApiRefused as refused:  # it had ended by itself
            if refused.status != 401:
                raise
    response = page.go("/")
    response.headers["Clear-Site-Data"] = '"cache"'
    page.cookies.drop(response, names.CLIENT)
    return response


def signed_in(page: Page, answer: dict[str, Any], then: str) -> Response:
    """``answer``: a new sign-in. The pass of before has ended with it."""
    response = page.go(then)
    page.cookies.put(response, names.CLIENT, answer["token"])
    page.cookies.put(response, names.DEVICE, answer["device"], keep=DEVICE_KEPT)
    page.cookies.drop(response, names.VISIT)
    return response


def _next(text: str | None) -> str:
    return own_path(text, otherwise="/appointments")
