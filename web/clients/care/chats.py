"""A client's chats: with the therapist, with the care team, in groups and communities."""

from contextlib import suppress

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.asking.problems import ApiRefused
from web.clients.whose import client_id_of, client_of, everything
from web.page import ClientPage, Page

router = APIRouter()


@router.get("/chats")
async def chats(page: ClientPage) -> Response:
    return await _list(page)


async def _list(page: Page, refused: ApiRefused | None = None) -> Response:
    client = await client_of(page)
    found = await everything(page, "/v1/chats")
    on = client["portal_settings"].get("chat", True)
    there = {(chat["kind"], chat["therapist"]) for chat in found}
    begins = [("direct", client["therapist"])] if client["therapist"] else []
    begins.append(("care_team", None))
    return page.show(
        "clients/chats/list.html",
        chats=sorted(found, key=lambda chat: chat["last_message_at"] or chat["made_at"], reverse=True),
        begins=[kind for kind, therapist in begins if (kind, therapist) not in there] if on else [],
        refused=refused,
    )


@router.post("/chats")
async def begin(page: ClientPage) -> Response:
    """A chat with the therapist or the care team; one that is there already is opened."""
    sent = await page.form()
    client_id = await client_id_of(page)
    kind = "care_team" if sent.get("kind") == "care_team" else "direct"
    try:
        chat = await page.api.post("/v1/chats", {"kind": kind, "members": [client_id]}, once=sent.get("once") or None)
    except ApiRefused as refused:
        if refused.status == 401:
            raise
        return await _list(page, refused)
    return page.go(f"/chats/{part(chat['id'])}")


@router.get("/chats/{chat_id}")
async def one(chat_id: str, page: ClientPage) -> Response:
    return await _one(page, chat_id)


async def _one(page: Page, chat_id: str, *, text: str = "", refused: ApiRefused | None = None) -> Response:
    await client_id_of(page)
    chat = await page.api.get(f"/v1/chats/{part(chat_id)}")
    after = max(chat["last_seq"] - 100, 0)  # the newest; what is older is asked for
    with suppress(ValueError):
        after = max(int(page.query.get("after", after)), 0)
    messages = await page.api.get(f"/v1/chats/{part(chat_id)}/messages", after=after, limit=100)
    if chat["unread"]:
        await page.api.post(f"/v1/chats/{part(chat_id)}/read", {"seq": chat["last_seq"]})
    return page.show(
        "clients/chats/one.html",
        chat=chat,
        messages=messages["items"],
        before=max(after - 100, 0) if after > 0 else None,
        text=text,
        refused=refused,
    )


@router.post("/chats/{chat_id}")
async def write(chat_id: str, page: ClientPage) -> Response:
    sent = await page.form()
    await client_id_of(page)
    try:
        await page.api.post(
            f"/v1/chats/{part(chat_id)}/messages", {"text": sent.get("text")}, once=sent.get("once") or None
        )
    except ApiRefused as refused:
        return await _one(page, chat_id, text=sent.get("text"), refused=refused)
    return page.go(f"/chats/{part(chat_id)}#last")
