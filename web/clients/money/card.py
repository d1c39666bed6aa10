"""The card: given on Stripe's own page, so that no number of a card passes here."""

from fastapi import APIRouter
from starlette.responses import Response

from web.clients.whose import client_id_of
from web.page import ClientPage

router = APIRouter()


@router.get("/card")
async def card(page: ClientPage) -> Response:
    client_id = await client_id_of(page)
    return page.show(
        "clients/card.html",
        card=await page.api.find(f"/v1/clients/{client_id}/card"),
        then=page.query.get("for", ""),
        came_back=page.query.get("checkout_session"),
    )


@router.post("/card")
async def begin(page: ClientPage) -> Response:
    """Where the card is given. A form must not lead to another site, so the way there is a link on a page of ours."""
    sent = await page.form()
    client_id = await client_id_of(page)
    back = "/forms/billing_info" if sent.get("then") == "billing_info" else "/card"
    answer = await page.api.post(
        f"/v1/clients/{client_id}/card-setup",
        {"return_url": f"{page.settings.site_url}{back}"},
        once=sent.get("once") or None,
    )
    return page.show("clients/card_out.html", url=answer["url"])
