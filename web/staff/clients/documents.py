"""Documents of one client: uploaded and shared, read, and taken back."""

from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused, wrong_field
from web.page import StaffPage
from web.sent import TOO_LARGE, is_too_large
from web.staff.clients.record import show_part

router = APIRouter()


@router.post("/clients/{client_id}/documents")
async def share(client_id: str, page: StaffPage) -> Response:
    """Upload a document and share it with this client."""
    sent = await page.form()
    file = sent.file("file")
    if file is None:
        return await show_part(page, client_id, "documents", sent=sent, refused=wrong_field("file", "is needed"))
    if is_too_large(file):
        return await show_part(page, client_id, "documents", sent=sent, refused=wrong_field("file", TOO_LARGE))
    once = sent.get("once")
    try:
        made = await page.api.upload(
            "/v1/documents",
            {"title": sent.get("title") or file.filename or "Document"},
            (file.filename or "document", await file.read(), file.content_type or "application/octet-stream"),
            once=once,
        )
        await page.api.post(f"/v1/documents/{made['id']}/shares", {"client_id": client_id}, once=f"{once}-share")
    except ApiRefused as refused:
        return await show_part(page, client_id, "documents", sent=sent, refused=refused)
    return page.go(f"/clients/{part(client_id)}/documents?done=yes")


@router.get("/documents/{document_id}")
async def read(document_id: str, page: StaffPage) -> Response:
    """As a download: what somebody uploaded is never shown as a page of ours."""
    await page.me()
    document = await page.api.get(f"/v1/documents/{part(document_id)}")
    file = await page.api.file(f"/v1/documents/{part(document_id)}/content")
    return Response(
        file.content,
        media_type=document["content_type"],
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(document['filename'], safe='')}",
            "Content-Security-Policy": "sandbox",
        },
    )


@router.post("/clients/{client_id}/documents/{document_id}/unshare")
async def unshare(client_id: str, document_id: str, page: StaffPage) -> Response:
    await page.form()
    await page.api.delete(f"/v1/documents/{part(document_id)}/shares/{part(client_id)}")
    return page.go(f"/clients/{part(client_id)}/documents?done=yes")
