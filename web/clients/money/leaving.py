"""The way out to Stripe or a bank: a link on a page of ours, since a form must not lead to another site.

The page has an address of its own, so that Back from there comes to it, and asks for no form to be sent again. Where it
leads stands sealed in that address: nobody else can make one.
"""

import json
from typing import Any

from cryptography.fernet import InvalidToken
from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from web.clients.whose import client_id_of
from web.edge.keys import box
from web.page import ClientPage, Page

router = APIRouter()

_GOOD = 3600  # seconds: what Stripe and banks offer ends sooner or later
TO_STRIPE, TO_BANK = "stripe", "bank"


def lead_out(page: Page, url: str, *, kind: str, back: str) -> RedirectResponse:
    """``back``: the page of ours for whoever would rather not."""
    way = json.dumps({"url": url, "kind": kind, "back": back}).encode()
    return page.go(f"/out/{box(page.settings, 'ways-out').encrypt(way).decode()}")


@router.get("/out/{way}")
async def out(way: str, page: ClientPage) -> Response:
    await client_id_of(page)
    try:
        known: dict[str, Any] = json.loads(box(page.settings, "ways-out").decrypt(way.encode(), ttl=_GOOD))
    except (InvalidToken, UnicodeEncodeError):
        return page.go("/payments")
    return page.show("clients/out.html", **known)
