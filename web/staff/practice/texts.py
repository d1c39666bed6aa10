"""The practice's texts: what is in force, a draft beside it, both as they are read, and publishing."""

import re
from itertools import chain, count

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import Json, part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()


@router.get("/texts")
async def texts(page: StaffPage) -> Response:
    return await _list(page)


async def _list(page: Page, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    await page.me()
    found = await page.api.get("/v1/texts", limit=200)
    return page.show("staff/practice/texts.html", texts=found["items"], sent=sent, refused=refused)


@router.post("/texts")
async def new_form(page: StaffPage) -> Response:
    """With its first question; the others are added as a draft, as with every text."""
    sent = await page.form()
    body = {"title": sent.get("title"), "fields": _fields([], sent)}
    try:
        made = await page.api.post("/v1/form-templates", body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _list(page, sent, refused)
    return page.go(f"/texts/{part(made['kind'])}")


@router.get("/texts/{kind}")
async def one(kind: str, page: StaffPage) -> Response:
    return await _show(page, kind)


async def _show(page: Page, kind: str, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    await page.me()
    text = await page.api.get(f"/v1/texts/{part(kind)}")
    return page.show("staff/practice/text.html", text=text, sent=sent, refused=refused)


@router.post("/texts/{kind}")
async def draft(kind: str, page: StaffPage) -> Response:
    """Keep a draft, and look at both."""
    sent = await page.form()
    await page.me()
    text = await page.api.get(f"/v1/texts/{part(kind)}")
    fields = _fields((text.get("draft") or text)["fields"], sent)
    body = {"title": sent.get("title"), "body": sent.get("body"), "fields": fields}
    try:
        await page.api.put(f"/v1/texts/{part(kind)}", body)
        preview = await page.api.post(f"/v1/texts/{part(kind)}/preview")
    except ApiRefused as refused:
        return await _show(page, kind, sent, refused)
    return page.show("staff/practice/text_preview.html", text=text, preview=preview)


@router.post("/texts/{kind}/publish")
async def publish(kind: str, page: StaffPage) -> Response:
    sent = await page.form()
    try:
        path = f"/v1/texts/{part(kind)}/publish"
        await page.api.post(path, {"draft_id": sent.get("draft_id")}, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _show(page, kind, sent, refused)
    return page.go(f"/texts/{part(kind)}?published=yes")


def _fields(known: list[Json], sent: Sent) -> list[Json]:
    """The questions as they stand on the page: worded anew, taken out, and one more at the end."""
    fields = []
    for field in known:
        name = field["name"]
        if sent.get(f"removed.{name}"):
            continue
        label = sent.get(f"question.{name}") or field["label"]
        fields.append(field | {"label": label, "required": bool(sent.get(f"required.{name}"))})
    label = sent.get("new.label")
    if label:
        new: Json = {"name": _name(label, {field["name"] for field in known}), "label": label}
        new |= {"type": sent.get("new.type"), "required": bool(sent.get("new.required"))}
        options = [line.strip() for line in sent.get("new.options").splitlines() if line.strip()]
        fields.append(new | ({"options": options} if options else {}))
    return fields


def _name(label: str, taken: set[str]) -> str:
    """What the answer is kept under: from the first words of the question, and like no other."""
    name = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:30].strip("_") or "question"
    name = name if name[0].isalpha() else f"q_{name}"
    return next(each for each in chain([name], (f"{name}_{number}" for number in count(2))) if each not in taken)
