"""Forms: what is asked, in the practice's words; filled in with a draft that is kept, and read again once signed.

The fields are those of the version that was asked for; nothing here knows one form from another but Billing Info,
which also saves a card.
"""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused, wrong_field
from web.clients.care.shared import as_download
from web.clients.money.card import on_to_stripe
from web.clients.whose import client_id_of, everything
from web.looks.form_fields import (
    add_file,
    answers_of,
    asked_if,
    decided_by,
    file_paths,
    read_again,
)
from web.page import ClientPage, Page
from web.sent import TOO_LARGE, Sent, is_too_large

router = APIRouter()

BILLING_INFO = "billing_info"


@router.get("/forms")
async def forms(page: ClientPage) -> Response:
    client_id = await client_id_of(page)
    found = await everything(page, f"/v1/clients/{client_id}/forms")
    return page.show(
        "clients/forms/list.html",
        todo=[form for form in found if form["status"] != "complete"],
        done=[form for form in reversed(found) if form["status"] == "complete"],
    )


@router.get("/forms/{kind}")
async def one(kind: str, page: ClientPage) -> Response:
    return await _one(page, kind)


async def _one(
    page: Page,
    kind: str,
    *,
    sent: Sent | None = None,
    answers: dict[str, Any] | None = None,
    uploads: list[dict[str, Any]] | None = None,
    refused: ApiRefused | None = None,
) -> Response:
    client_id = await client_id_of(page)
    path = f"/v1/clients/{client_id}/forms/{part(kind)}"
    form = await page.api.get(path, form_id=page.query.get("form_id"))
    if form["status"] == "complete":
        return _signed(page, form)
    kept_at = None
    if answers is None:
        draft = await page.api.find(f"{path}/draft") or {}
        answers, uploads = draft.get("answers") or {}, draft.get("uploads") or []
        kept_at = draft.get("saved_at")
    return page.show(
        "clients/forms/fill.html",
        form=form,
        answers=answers,
        kept_at=kept_at,
        files={file["id"]: file for file in uploads or ()},
        asked_if=asked_if,
        decided_by=decided_by,
        card=await page.api.find(f"/v1/clients/{client_id}/card") if kind == BILLING_INFO else None,
        checkout=page.query.get("checkout_session"),
        sent=sent,
        refused=refused,
    )


def _signed(page: Page, form: dict[str, Any]) -> Response:
    """As it was signed: its text, and what was answered."""
    files = {file["id"]: file for file in form.get("uploads") or ()}
    answers = form.get("answers")
    lines = list(read_again(form["fields"], answers, files)) if isinstance(answers, dict) else None
    return page.show("clients/forms/signed.html", form=form, lines=lines)


@router.post("/forms/{kind}")
async def fill_in(kind: str, page: ClientPage) -> Response:
    """Sign it, or keep what is there for later; of Billing Info first the card, where none is there. Files go first,
    and what was typed is kept with them whatever becomes of the rest."""
    sent = await page.form()
    client_id = await client_id_of(page)
    path = f"/v1/clients/{client_id}/forms/{part(kind)}"
    form = await page.api.get(path)
    if form["status"] == "complete":  # in another window, a moment ago
        return page.go(f"/forms/{part(kind)}")
    answers = answers_of(form["fields"], sent)
    refused = await take_files(page, client_id, form, sent, answers)
    do = sent.get("do")
    if refused is None and do not in ("save", "card"):
        body: dict[str, Any] = {"answers": answers, "signature": sent.get("signature")}
        body |= sent.given("checkout_session", "consent_version")
        if sent.get("version").isdecimal():  # what was read is what is signed
            body["version"] = int(sent.get("version"))
        try:
            await page.api.put(path, body)
        except ApiRefused as error:
            refused = error
        else:
            return page.go("/forms?done=yes")
    try:
        draft = await page.api.put(f"{path}/draft", {"answers": answers})
    except ApiRefused as error:
        return await _one(page, kind, sent=sent, answers=answers, refused=refused or error)
    if refused is not None:
        return await _one(page, kind, sent=sent, answers=answers, uploads=draft["uploads"], refused=refused)
    if do == "card":
        return await on_to_stripe(page, client_id, then=f"/forms/{BILLING_INFO}", once=sent.get("once"))
    return page.go("/forms?saved=yes")


async def take_files(
    page: Page, client_id: str, form: dict[str, Any], sent: Sent, answers: dict[str, Any]
) -> ApiRefused | None:
    """Uploads what was chosen, and names it in the answers. Returns what was refused, by the question's name."""
    for path in file_paths(form["fields"]):
        for place, file in enumerate(sent.files(f"files.{path}")):
            if is_too_large(file):
                return wrong_field(f"answers.{path}", f"{file.filename}: {TOO_LARGE}")
            content = (file.filename or "file", await file.read(), file.content_type or "application/octet-stream")
            try:
                kept = await page.api.upload(
                    f"/v1/clients/{client_id}/uploads",
                    {"kind": form["kind"], "field": path},
                    content,
                    once=f"{sent.get('once')}-{path}-{place}",
                )
            except ApiRefused as refused:
                why = "; ".join(refused.fields.values()) or refused.detail
                return wrong_field(f"answers.{path}", f"{content[0]}: {why}")
            add_file(answers, path, kept["id"])
    return None


@router.get("/forms/{kind}/signed.pdf")
async def signed_copy(kind: str, page: ClientPage) -> Response:
    client_id = await client_id_of(page)
    path = f"/v1/clients/{client_id}/forms/{part(kind)}/signed.pdf"
    return as_download(await page.api.file(path, form_id=page.query.get("form_id")))


@router.get("/forms/files/{upload_id}")
async def uploaded(upload_id: str, page: ClientPage) -> Response:
    """A file that was sent with the form, or waits for it."""
    client_id = await client_id_of(page)
    return as_download(await page.api.file(f"/v1/clients/{client_id}/uploads/{part(upload_id)}/content"))
