"""A client's profile: how they are reached, in which zone, and which mails they want."""

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.problems import ApiRefused
from web.clients.whose import client_id_of, client_of
from web.page import ClientPage, Page
from web.sent import Sent

router = APIRouter()

_FIELDS = ("first_name", "last_name", "phone", "time_zone", "state")


@router.get("/more")
async def more(page: ClientPage) -> Response:
    return page.show("clients/more.html", client=await client_of(page))


@router.get("/profile")
async def profile(page: ClientPage) -> Response:
    return await _show(page)


async def _show(page: Page, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    client = await client_of(page, pass_will_do=True)
    form = await page.api.get("/v1/matching-form")
    return page.show(
        "clients/profile.html", client=client, states=form["states"], typed=sent is not None, refused=refused, sent=sent
    )


@router.post("/profile")
async def change(page: ClientPage) -> Response:
    sent = await page.form()
    client_id = await client_id_of(page, pass_will_do=True)
    body: dict[str, object] = dict(sent.given(*_FIELDS))
    if page.signed_in:
        body["unsubscribed"] = not sent.get("reminders")
    elif sent.get("email"):  # with a pass the address is still to be given; with an account it is changed by a link
        body["email"] = sent.get("email")
    try:
        await page.api.patch(f"/v1/clients/{client_id}", body)
    except ApiRefused as refused:
        return await _show(page, sent, refused)
    return page.go("/profile?saved=yes")
