"""The practice's texts: what is in force, a draft beside it, both as they are read, and publishing."""

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()


@router.get("/texts")
async def texts(page: StaffPage) -> Response:
    await page.me()
    return page.show("staff/practice/texts.html", texts=(await page.api.get("/v1/texts"))["items"])


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
    text = await page.api.get(f"/v1/texts/{part(kind)}")
    fields = (text.get("draft") or text)["fields"]
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
