"""Chats of the practice: with clients, in groups and communities, and between therapists and the care team."""

from contextlib import suppress
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import Json, part
from web.asking.problems import ApiRefused
from web.page import Page, StaffPage
from web.sent import Sent

router = APIRouter()

_SHOWN = 100
_TO_CHOOSE = 20


@router.get("/chats")
async def chats(page: StaffPage) -> Response:
    return await _list(page)


async def _list(page: Page, sent: Sent | None = None, refused: ApiRefused | None = None) -> Response:
    await page.me()
    found = await page.api.get("/v1/chats", limit=50, cursor=page.query.get("cursor"), kind=page.query.get("kind"))
    roles = (await page.me())["roles"]
    therapists = (await page.api.get("/v1/therapists", limit=200))["items"] if "care_team" in roles else []
    return page.show(
        "staff/care/chats.html",
        chats=found["items"],
        cursor=found["next_cursor"],
        clients=await _found(page),
        therapists=therapists,
        sent=sent,
        refused=refused,
    )


async def _found(page: Page) -> list[Json]:
    """The clients to choose from: of whom somebody looked for, else the first by name."""
    q = page.query.get("q") or None
    found = await page.api.get("/v1/clients", status="active", sort="name", limit=_TO_CHOOSE, q=q)
    items: list[Json] = found["items"]
    return items


@router.post("/chats")
async def begin(page: StaffPage) -> Response:
    sent = await page.form()
    body: dict[str, Any] = {
        "kind": sent.get("kind"),
        "members": sent.all("members"),
        **sent.given("title", "therapist"),
    }
    try:
        chat = await page.api.post("/v1/chats", body, once=sent.get("once") or None)
    except ApiRefused as refused:
        return await _list(page, sent, refused)
    return page.go(f"/chats/{part(chat['id'])}")


@router.get("/chats/{chat_id}")
async def one(chat_id: str, page: StaffPage) -> Response:
    return await _one(page, chat_id)


async def _one(page: Page, chat_id: str, *, text: str = "", refused: ApiRefused | None = None) -> Response:
    await page.me()
    chat = await page.api.get(f"/v1/chats/{part(chat_id)}")
    after = max(chat["last_seq"] - _SHOWN, 0)
    with suppress(ValueError):
        after = max(int(page.query.get("after", after)), 0)
    messages = await page.api.get(f"/v1/chats/{part(chat_id)}/messages", after=after, limit=_SHOWN)
    if chat["unread"]:
        await page.api.post(f"/v1/chats/{part(chat_id)}/read", {"seq": chat["last_seq"]})
    others = []
    if chat["kind"] in ("group", "community"):
        inside = {member["client_id"] for member in chat.get("members", ())}
        others = [client for client in await _found(page) if client["id"] not in inside]
    return page.show(
        "staff/care/chat.html",
        chat=chat,
        others=others,
        messages=messages["items"],
        before=max(after - _SHOWN, 0) if after > 0 else None,
        text=text,
        refused=refused,
    )


@router.post("/chats/{chat_id}")
async def write(chat_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    try:
        await page.api.post(
            f"/v1/chats/{part(chat_id)}/messages", {"text": sent.get("text")}, once=sent.get("once") or None
        )
    except ApiRefused as refused:
        return await _one(page, chat_id, text=sent.get("text"), refused=refused)
    return page.go(f"/chats/{part(chat_id)}#last")


@router.post("/chats/{chat_id}/members")
async def add_member(chat_id: str, page: StaffPage) -> Response:
    sent = await page.form()
    try:
        await page.api.post(f"/v1/chats/{part(chat_id)}/members", {"client_id": sent.get("client_id")})
    except ApiRefused as refused:
        return await _one(page, chat_id, refused=refused)
    return page.go(f"/chats/{part(chat_id)}")


@router.post("/chats/{chat_id}/members/{client_id}/remove")
async def remove_member(chat_id: str, client_id: str, page: StaffPage) -> Response:
    await page.form()
    await page.api.delete(f"/v1/chats/{part(chat_id)}/members/{part(client_id)}")
    return page.go(f"/chats/{part(chat_id)}")
