"""The practice's texts: what is in force, a draft beside it, how clients will read it, and publishing."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import Json, part
from web.asking.problems import ApiRefused
from web.looks.differences import differences
from web.looks.form_fields import asked_if, decided_by
from web.looks.questions import TYPE_WORDS, changes
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()


@router.get("/texts")
async def texts(page: StaffPage) -> Response:
    await page.me()
    found = await page.api.get("/v1/texts", limit=200)
    drafts = await page.api.get("/v1/text-drafts", limit=200)
    return page.show(
        "staff/practice/texts/list.html",
        texts=found["items"],
        waiting={one["kind"]: one for one in drafts["items"]},
        new=[one for one in drafts["items"] if one["is_new"]],
    )


async def text_of(page: Page, kind: str) -> tuple[Json | None, Json]:
    """What is in force, or None for a form that is not published yet; and what is worded now: the draft, or else what
    is in force, with its ``source``. Raises ApiRefused where there is neither."""
    if "admin" not in (await page.me())["roles"]:
        raise ApiRefused(403, {"type": "not-allowed", "detail": "The practice's owners word its texts."})
    text: Json | None = await page.api.find(f"/v1/texts/{part(kind)}")
    if text is not None:
        draft = text.get("draft")
        return text, (draft or {**text, "body": text["source"]})
    drafts = await page.api.get("/v1/text-drafts", limit=200)
    found = next((one for one in drafts["items"] if one["kind"] == kind), None)
    if found is None:
        raise ApiRefused(404, {"type": "not-found", "detail": "There is no such text."})
    return None, found


def draft_of(worded: Json, **changed: Any) -> Json:
    """The whole next version, as the API takes it."""
    body = {name: changed.get(name, worded[name]) for name in ("title", "body", "fields")}
    body["fields"] = [_said(field) for field in body["fields"] or []]
    return body


def _said(field: Json) -> Json:
    """Without what the question does not have."""
    said = {name: value for name, value in field.items() if value not in (None, [])}
    return said | ({"fields": [_said(one) for one in field["fields"]]} if field.get("fields") else {})


@router.get("/texts/{kind}")
async def one(kind: str, page: StaffPage) -> Response:
    return await show_text(page, kind)


async def show_text(page: Page, kind: str, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    if "admin" not in (await page.me())["roles"]:
        text = await page.api.get(f"/v1/texts/{part(kind)}")
        return page.show("staff/practice/texts/read.html", text=text, type_words=TYPE_WORDS)
    text, worded = await text_of(page, kind)
    return page.show(
        "staff/practice/texts/one.html",
        kind=kind,
        text=text,
        worded=worded,
        draft=worded if text is None else text.get("draft"),
        numbers=worded["numbers"],
        type_words=TYPE_WORDS,
        asked_if=asked_if,
        sent=sent,
        refused=refused,
    )


@router.post("/texts/{kind}")
async def word(kind: str, page: StaffPage) -> Response:
    """Keep what was worded as a draft; or look at it as a client will, too."""
    sent = await page.form()
    _, worded = await text_of(page, kind)
    try:
        draft = draft_of(worded, title=sent.get("title"), body=sent.get("body"))
        await page.api.put(f"/v1/texts/{part(kind)}", draft)
    except ApiRefused as refused:
        return await show_text(page, kind, sent, refused)
    return page.go(f"/texts/{part(kind)}" + ("/preview" if sent.get("do") == "preview" else "?kept=yes"))


@router.get("/texts/{kind}/preview")
async def preview(kind: str, page: StaffPage) -> Response:
    return await _preview(page, kind)


async def _preview(page: Page, kind: str, refused: ApiRefused | None = None) -> Response:
    """The draft as a client will read it and fill it in, what is different, and how many are asked to sign."""
    await page.me()
    both = await page.api.post(f"/v1/texts/{part(kind)}/preview")
    before: Json = both["in_force"] or {"title": "", "body": "", "fields": []}
    return page.show(
        "staff/practice/texts/preview.html",
        kind=kind,
        preview=both,
        draft=both["draft"],
        differences=differences(before["body"], both["draft"]["body"]),
        changes=list(changes(before["fields"], both["draft"]["fields"])),
        files={},
        asked_if=asked_if,
        decided_by=decided_by,
        refused=refused,
    )


@router.post("/texts/{kind}/publish")
async def publish(kind: str, page: StaffPage) -> Response:
    sent = await page.form()
    path = f"/v1/texts/{part(kind)}/publish"
    try:
        answer = await page.api.post(path, {"draft_id": sent.get("draft_id")}, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _preview(page, kind, refused)
    return page.go(f"/texts/{part(kind)}?published=yes&asked={answer['asked']}")
