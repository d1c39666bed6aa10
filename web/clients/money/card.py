"""The card: given on Stripe's own page, so that no number of a card passes here."""

from fastapi import APIRouter
from starlette.responses import Response

from web.clients.money.leaving import TO_STRIPE, lead_out
from web.clients.whose import client_id_of
from web.page import ClientPage, Page

router = APIRouter()


@router.get("/card")
async def card(page: ClientPage) -> Response:
    client_id = await client_id_of(page)
    return page.show(
        "clients/card.html",
        card=await page.api.find(f"/v1/clients/{client_id}/card"),
        came_back=page.query.get("checkout_session"),
    )


@router.post("/card")
async def begin(page: ClientPage) -> Response:
    sent = await page.form()
    return await on_to_stripe(page, await client_id_of(page), then="/card", once=sent.get("once"))


async def on_to_stripe(page: Page, client_id: str, *, then: str, once: str) -> Response:
    """Where the card is given. ``then``: the page it comes back to."""
    answer = await page.api.post(
        f"/v1/clients/{client_id}/card-setup", {"return_url": f"{page.settings.site_url}{then}"}, once=once or None
    )
    return lead_out(page, answer["url"], kind=TO_STRIPE, back=then)
