"""Forms: what is asked, in the practice's words; filled in with a draft that is kept, and read again once signed.

The fields are those of the version that was asked for; nothing here knows one form from another but Billing Info,
which also saves a card.
"""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.clients.whose import client_id_of, everything
from web.looks.form_fields import answers_of, shown
from web.page import ClientPage, Page

router = APIRouter()

BILLING_INFO = "billing_info"


@router.get("/forms")
async def forms(page: ClientPage) -> Response:
    client_id = await client_id_of(page)
    return page.show("clients/forms/list.html", forms=await everything(page, f"/v1/clients/{client_id}/forms"))


@router.get("/forms/{kind}")
async def one(kind: str, page: ClientPage) -> Response:
    return await _one(page, kind)


async def _one(
    page: Page, kind: str, *, answers: dict[str, Any] | None = None, refused: ApiRefused | None = None
) -> Response:
    client_id = await client_id_of(page)
    form = await page.api.get(f"/v1/clients/{client_id}/forms/{part(kind)}")
    if form["status"] == "complete":
        return page.show("clients/forms/signed.html", form=form)
    card = await page.api.find(f"/v1/clients/{client_id}/card") if kind == BILLING_INFO else None
    draft = await _draft(page, client_id, kind) if answers is None else answers
    return page.show(
        "clients/forms/fill.html",
        form=form,
        text=await page.api.get(f"/v1/texts/{part(kind)}", version=form["version"]),
        fee_policy=await page.api.get("/v1/texts/fee_policy") if kind == BILLING_INFO else None,
        answers=draft,
        shown=shown,
        card=card,
        checkout=page.query.get("checkout_session"),
        refused=refused,
    )


async def _draft(page: Page, client_id: str, kind: str) -> dict[str, Any]:
    draft = await page.api.find(f"/v1/clients/{client_id}/forms/{part(kind)}/draft")
    answers: dict[str, Any] = (draft or {}).get("answers") or {}
    return answers


@router.post("/forms/{kind}")
async def fill_in(kind: str, page: ClientPage) -> Response:
    """Sign it, or keep what is there for later; of Billing Info first the card, where none is there."""
    sent = await page.form()
    client_id = await client_id_of(page)
    form = await page.api.get(f"/v1/clients/{client_id}/forms/{part(kind)}")
    answers = answers_of(form["fields"], sent)
    path = f"/v1/clients/{client_id}/forms/{part(kind)}"
    if sent.get("do") in ("save", "card"):
        try:
            await page.api.put(f"{path}/draft", {"answers": answers})
        except ApiRefused as refused:
            return await _one(page, kind, answers=answers, refused=refused)
        return page.go("/card?for=billing_info" if sent.get("do") == "card" else "/forms?saved=yes")
    body: dict[str, Any] = {"answers": answers, "signature": sent.get("signature"), **sent.given("checkout_session")}
    try:
        await page.api.put(path, body)
    except ApiRefused as refused:
        return await _one(page, kind, answers=answers, refused=refused)
    return page.go("/forms?done=yes")


@router.get("/forms/{kind}/signed.pdf")
async def signed_copy(kind: str, page: ClientPage) -> Response:
    client_id = await client_id_of(page)
    file = await page.api.file(f"/v1/clients/{client_id}/forms/{part(kind)}/signed.pdf")
    headers = {"Content-Disposition": f'attachment; filename="{part(kind)}.pdf"'}
    return Response(file.content, media_type="application/pdf", headers=headers)
