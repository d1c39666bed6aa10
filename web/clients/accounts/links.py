"""Where mailed links lead: each says first whether it is still good, and does nothing before a button is pressed."""

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.clients.accounts.sign_in import signed_in
from web.page import ClientPage, Page, own_path

router = APIRouter()

_GONE = (404, 410)


# ---------------------------------------------------------------- activation


@router.get("/activate/{token}")
async def look_at_activation(token: str, page: ClientPage) -> Response:
    return await _with_link(page, "activations", token, "clients/links/activate.html")


@router.post("/activate/{token}")
async def activate(token: str, page: ClientPage) -> Response:
    sent = await page.form()
    password = sent.secret("password")
    if password != sent.secret("again"):
        return page.show("clients/links/activate.html", token=token, refused=_differ())
    try:
        answer = await page.api.post("/v1/activations", {"token": token, "password": password})
    except ApiRefused as refused:
        if refused.status in _GONE:
            return _ended(page, "activations")
        return page.show("clients/links/activate.html", token=token, refused=refused)
    return signed_in(page, answer, "/appointments?welcome=yes")


@router.post("/activation-link")
async def new_link(page: ClientPage) -> Response:
    """For whoever booked a moment ago, by their pass; anybody else asks for a new password, which is the same link."""
    await page.form()
    if page.visit is None:
        return page.go("/reset")
    await page.api.post(f"/v1/clients/{page.visit.client_id}/activation")
    return page.show("clients/links/mailed.html")


# ---------------------------------------------------------------- a new password


@router.get("/reset")
async def ask_for_reset(page: ClientPage) -> Response:
    return page.show("clients/links/reset.html")


@router.post("/reset")
async def mail_reset(page: ClientPage) -> Response:
    sent = await page.form()
    try:
        await page.api.post("/v1/password-resets", {"email": sent.get("email"), "side": "client"})
    except ApiRefused as refused:
        return page.show("clients/links/reset.html", sent=sent, refused=refused)
    return page.show("clients/links/mailed.html")


@router.get("/reset/{token}")
async def look_at_reset(token: str, page: ClientPage) -> Response:
    return await _with_link(page, "password-resets", token, "clients/links/password.html")


@router.post("/reset/{token}")
async def reset(token: str, page: ClientPage) -> Response:
    sent = await page.form()
    password, code = sent.secret("password"), sent.get("code")
    asks = bool(sent.get("asks_code"))
    if password != sent.secret("again"):
        return page.show("clients/links/password.html", token=token, code=asks, refused=_differ())
    body = {"token": token, "password": password} | ({"code": code} if code else {})
    try:
        answer = await page.api.post("/v1/passwords", body)
    except ApiRefused as refused:
        if refused.status in _GONE:
            return _ended(page, "password-resets")
        asks = asks or refused.name == "second-factor-required"
        return page.show("clients/links/password.html", token=token, code=asks, refused=refused)
    return signed_in(page, answer, "/appointments")


# ---------------------------------------------------------------- a new address, two records


@router.get("/email/{token}")
async def look_at_address(page: ClientPage) -> Response:
    return page.show("clients/links/confirm.html", kind="email")


@router.post("/email/{token}")
async def confirm_address(token: str, page: ClientPage) -> Response:
    await page.form()
    try:
        answer = await page.api.post("/v1/email-changes/confirmations", {"token": token})
    except ApiRefused as refused:
        return _ended(page, "email") if refused.status in _GONE else page.show("refused.html", refused=refused)
    return page.show("clients/links/confirmed.html", kind="email", email=answer["email"])


@router.get("/join/{token}")
async def look_at_join(page: ClientPage) -> Response:
    return page.show("clients/links/confirm.html", kind="join")


@router.post("/join/{token}")
async def join(token: str, page: ClientPage) -> Response:
    await page.form()
    try:
        await page.api.post("/v1/joins", {"token": token})
    except ApiRefused as refused:
        return _ended(page, "join") if refused.status in _GONE else page.show("refused.html", refused=refused)
    return page.show("clients/links/confirmed.html", kind="join")


# ---------------------------------------------------------------- no more of these mails


@router.get("/unsubscribe/{token}")
async def look_at_unsubscribe(page: ClientPage) -> Response:
    return page.show("clients/links/confirm.html", kind="unsubscribe")


@router.post("/unsubscribe/{token}")
async def unsubscribe(token: str, page: ClientPage) -> Response:
    """Mail programs post here by themselves (RFC 8058), so no mark of ours is asked for."""
    await page.api.post_form(f"/unsubscribe/{part(token)}", {"List-Unsubscribe": "One-Click"})
    return page.show("clients/links/confirmed.html", kind="unsubscribe")


# ---------------------------------------------------------------- what they share


async def _with_link(page: Page, kind: str, token: str, template: str) -> Response:
    try:
        link = await page.api.get(f"/v1/{kind}/{part(token)}")
    except ApiRefused as refused:
        if refused.status not in _GONE:
            raise
        return _ended(page, kind)
    if link.get("side") == "staff":
        path = "invitations" if kind == "activations" else "reset"
        return page.go(own_path(f"{page.settings.staff_path}/{path}/{part(token)}", otherwise="/"))
    return page.show(template, token=token, code=False)


def _ended(page: Page, kind: str) -> Response:
    return page.show("clients/links/ended.html", kind=kind, status=410)


def _differ() -> ApiRefused:
    document = {"type": "validation-failed", "errors": [{"field": "again", "message": "is not the same password"}]}
    return ApiRefused(422, document)
