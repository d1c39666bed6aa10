"""Forms of one client: asked for, filled in together in the session, and read as they were signed."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.clients.care.forms import take_files
from web.looks.form_fields import answers_of, asked_if, decided_by
from web.page import Page, StaffPage
from web.staff.clients.record import change, show_part

router = APIRouter()


@router.post("/clients/{client_id}/forms")
async def ask(client_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    return await change(page, client_id, "forms", sent=sent, body={"kind": sent.get("kind")}, at="forms")


@router.get("/clients/{client_id}/forms/{kind}/signed.pdf")
async def signed_copy(client_id: str, kind: str, page: StaffPage) -> Response:
    await page.me()
    try:
        file = await page.api.file(
            f"/v1/clients/{part(client_id)}/forms/{part(kind)}/signed.pdf", form_id=page.query.get("form_id")
        )
    except ApiRefused as refused:
        if refused.name != "opening-required":
            raise
        return await show_part(page, client_id, "forms", closed=refused)
    headers = {"Content-Disposition": f'attachment; filename="{part(kind)}.pdf"'}
    return Response(file.content, media_type="application/pdf", headers=headers)


@router.get("/clients/{client_id}/forms/{kind}/fill")
async def together(client_id: str, kind: str, page: StaffPage) -> Response:
    return await _fill(page, client_id, kind)


async def _fill(
    page: Page,
    client_id: str,
    kind: str,
    *,
    answers: dict[str, Any] | None = None,
    uploads: list[dict[str, Any]] | None = None,
    signature: str = "",
    refused: ApiRefused | None = None,
) -> Response:
    """What is asked, in the practice's words, and what was typed so far."""
    await page.me()
    whose = f"/v1/clients/{part(client_id)}"
    if answers is None:
        try:
            draft = await page.api.find(f"{whose}/forms/{part(kind)}/draft")
        except ApiRefused as closed:
            if closed.name != "opening-required":
                raise
            return await show_part(page, client_id, "forms", closed=closed)
        answers, uploads = (draft or {}).get("answers") or {}, (draft or {}).get("uploads") or []
    return page.show(
        "staff/clients/record/fill.html",
        client=await page.api.get(whose),
        form=await page.api.get(f"{whose}/forms/{part(kind)}"),
        answers=answers,
        files={file["id"]: file for file in uploads or ()},
        asked_if=asked_if,
        decided_by=decided_by,
        signature=signature,
        checkout=page.query.get("checkout_session"),
        refused=refused,
    )


@router.post("/clients/{client_id}/forms/{kind}/fill")
async def fill_in(client_id: str, kind: str, page: StaffPage) -> Response:
    """Keep it for later, give a card at Stripe, or complete it with the client's signature. Files go first, and what
    was typed is kept with them whatever becomes of the rest."""
    sent = await page.form()
    path = f"/v1/clients/{part(client_id)}/forms/{part(kind)}"
    form = await page.api.get(path)
    answers = answers_of(form["fields"], sent)
    here = f"/clients/{part(client_id)}/forms"
    do, signature = sent.get("do"), sent.get("signature")
    refused = await take_files(page, part(client_id), form, sent, answers)
    if refused is None and do not in ("save", "card"):
        body: dict[str, Any] = {"answers": answers, "signature": signature}
        body |= sent.given("checkout_session", "consent_version")
        if sent.get("version").isdecimal():
            body["version"] = int(sent.get("version"))
        try:
            await page.api.put(path, body)
        except ApiRefused as error:
            refused = error
        else:
            return page.go(f"{here}?complete=yes")
    try:
        draft = await page.api.put(f"{path}/draft", {"answers": answers})
    except ApiRefused as error:
        return await _fill(page, client_id, kind, answers=answers, signature=signature, refused=refused or error)
    if refused is not None:
        uploads = draft["uploads"]
        return await _fill(
            page, client_id, kind, answers=answers, uploads=uploads, signature=signature, refused=refused
        )
    return await _to_stripe(page, client_id, kind) if do == "card" else page.go(f"{here}?kept=yes")


async def _to_stripe(page: Page, client_id: str, kind: str) -> Response:
    """The way there is a link: no form may lead to another site."""
    here = f"/clients/{part(client_id)}/forms/{part(kind)}/fill"
    answer = await page.api.post(
        f"/v1/clients/{part(client_id)}/card-setup", {"return_url": f"{page.settings.staff_site_url}{here}"}
    )
    return page.show("staff/clients/record/card_out.html", url=answer["url"], back=f"{page.base}{here}")
