"""Where mails about accounts lead: each says first whether it is still good, and does nothing before a button is
pressed."""

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from web.accounts.second_step import Wanted, shown_factor
from web.accounts.sign_in import signed_in
from web.asking.api import part
from web.asking.problems import GONE, ApiRefused, wrong_field
from web.edge import cookies as names
from web.page import AnyPage, Page

router = APIRouter()

_ACTIVATION = {names.CLIENT: "activate", names.STAFF: "invitations"}


@router.get("/activate/{token}")
@router.get("/invitations/{token}")
async def look_at_activation(token: str, page: AnyPage) -> Response:
    return await _look(page, "activations", token)


@router.post("/activate/{token}")
@router.post("/invitations/{token}")
async def activate(token: str, page: AnyPage) -> Response:
    return await _choose(page, "activations", token)


@router.get("/reset")
async def ask_for_reset(page: AnyPage) -> Response:
    return page.show("accounts/reset.html")


@router.post("/reset")
async def mail_reset(page: AnyPage) -> Response:
    sent = await page.form()
    page.api.token = None
    try:
        await page.api.post("/v1/password-resets", {"email": sent.get("email"), "side": page.side})
    except ApiRefused as refused:
        return page.show("accounts/reset.html", sent=sent, refused=refused)
    return page.show("accounts/mailed.html")


@router.get("/reset/{token}")
async def look_at_reset(token: str, page: AnyPage) -> Response:
    return await _look(page, "password-resets", token)


@router.post("/reset/{token}")
async def reset(token: str, page: AnyPage) -> Response:
    return await _choose(page, "password-resets", token)


@router.get("/email/{token}")
async def look_at_address(page: AnyPage) -> Response:
    return page.show("accounts/confirm.html", kind="email", confirmed=None)


@router.post("/email/{token}")
async def confirm_address(token: str, page: AnyPage) -> Response:
    return await confirm(page, "email", "/v1/email-changes/confirmations", {"token": token})


async def confirm(page: Page, kind: str, path: str, body: dict[str, str]) -> Response:
    """What a mailed link does at the press of its button."""
    await page.form()
    try:
        answer = await page.api.post(path, body)
    except ApiRefused as refused:
        if refused.status not in GONE:
            raise
        return ended(page, kind)
    return page.show("accounts/confirm.html", kind=kind, confirmed=answer)


def ended(page: Page, kind: str) -> Response:
    return page.show("accounts/ended.html", kind=kind, status=410)


async def _look(page: Page, kind: str, token: str) -> Response:
    """The link of somebody of the other side leads there."""
    page.api.token = None
    try:
        link = await page.api.get(f"/v1/{kind}/{part(token)}")
    except ApiRefused as refused:
        if refused.status not in GONE:
            raise
        return ended(page, kind)
    if link["side"] != page.side:
        site = page.settings.staff_site_url if link["side"] == names.STAFF else page.settings.site_url
        path = _ACTIVATION[link["side"]] if kind == "activations" else "reset"
        return RedirectResponse(f"{site}/{path}/{part(token)}", status_code=303)
    return page.show("accounts/password.html", kind=kind, wanted=None)


async def _choose(page: Page, kind: str, token: str) -> Response:
    sent = await page.form()
    page.api.token = None
    path = "/v1/activations" if kind == "activations" else "/v1/passwords"
    if sent.secret("password") != sent.secret("again"):
        refused = wrong_field("again", "is not the one above")
        return page.show("accounts/password.html", kind=kind, wanted=Wanted.by(refused, sent), refused=refused)
    try:
        answer = await page.api.post(path, {"token": token, "password": sent.secret("password"), **shown_factor(sent)})
    except ApiRefused as refused:
        if refused.status in GONE:
            return ended(page, kind)
        return page.show("accounts/password.html", kind=kind, wanted=Wanted.by(refused, sent), refused=refused)
    return signed_in(page, answer)
