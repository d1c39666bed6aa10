"""What a therapist shares with a client: documents, notes of sessions, goals."""

import httpx
from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.clients.whose import client_id_of, everything
from web.page import ClientPage

router = APIRouter()


@router.get("/documents")
async def documents(page: ClientPage) -> Response:
    client_id = await client_id_of(page)
    return page.show(
        "clients/shared/documents.html", documents=await everything(page, f"/v1/clients/{client_id}/documents")
    )


@router.get("/documents/{document_id}")
async def document(document_id: str, page: ClientPage) -> Response:
    """The file itself: always as a download, whatever it says it is."""
    await client_id_of(page)
    return as_download(await page.api.file(f"/v1/documents/{part(document_id)}/content"))


def as_download(file: httpx.Response) -> Response:
    """A file of the API's, by the name that it gives it, to be saved and not shown."""
    return Response(
        file.content,
        media_type=file.headers.get("content-type", "application/octet-stream"),
        headers={
            "Content-Disposition": file.headers.get("content-disposition", "attachment"),
            "Content-Security-Policy": "sandbox",
        },
    )


@router.get("/notes")
async def notes(page: ClientPage) -> Response:
    client_id = await client_id_of(page)
    return page.show("clients/shared/notes.html", notes=await everything(page, f"/v1/clients/{client_id}/notes"))


@router.get("/goals")
async def goals(page: ClientPage) -> Response:
    client_id = await client_id_of(page)
    return page.show("clients/shared/goals.html", goals=await everything(page, f"/v1/clients/{client_id}/goals"))


@router.post("/goals/{goal_id}")
async def settle_goal(goal_id: str, page: ClientPage) -> Response:
    sent = await page.form()
    await client_id_of(page)
    await page.api.patch(f"/v1/goals/{part(goal_id)}", {"status": sent.get("status")})
    return page.go("/goals")
