"""Chats: start and list them, write, read, and who is in one."""

from datetime import datetime
from math import ceil
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows
from api.access_log.shown import shows_clients
from api.accounts.openings import must_be_open
from api.accounts.practice_mails import have_delivered
from api.bodies import Body, Line, Message, Slug, Whole
from api.deps import ByNumber, ByTime, Known, Now, RequestId, Svc
from api.idempotency import IdempotentRoute
from api.problems import must_find, not_found, refuse, responses, wrong_fields
from api.routes.care.chat_signals import part_must_be_on, side_of, tell_journeys
from api.views.care import (
    ChatView,
    MemberView,
    MessageView,
    ReadView,
    chat_view,
    message_view,
    unseen_chat_view,
    whole_chat_view,
)
from api.views.lists import Listed, cut, listed
from models.reads.booking.therapists import therapist_by_slug
from models.reads.care import chats
from models.reads.care.chats import ChatRow, Side
from models.reads.clients.clients import visible_client
from models.tables.booking.therapist import Therapist
from models.tables.care.chat import Chat, ChatMessage
from models.tables.clients.client import Client
from models.writes.care import chats as chat_writing
from models.writes.care.staff_messages import order_staff_message
from models.writes.locks import lock_open_client, lock_open_clients
from rules.accounts.accesses import AccessKind
from rules.accounts.caller import Caller
from rules.accounts.openings import OpeningKind
from rules.care.chats import (
    LARGEST_SEQ,
    MOST_MEMBERS,
    MOST_MESSAGES,
    OF_ONE_CLIENT,
    STARTED_ONCE,
    may_start,
    setting_of,
)
from rules.enums import ChatKind, ClientStatus, LeftBecause, Role
from rules.refusals import Problem

router = APIRouter(prefix="/v1", tags=["chats"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.CHATS)])

ChatId = Annotated[UUID, Path(description="A chat's id.")]
Member = Annotated[UUID, Path(description="A client's id.")]


async def _side(services: Svc, caller: Known) -> Side:
    return await side_of(services, caller)


OnSide = Annotated[Side, Depends(_side)]


class ChatBody(Body):
    """``title`` is for group and community chats. ``therapist``, named by the care team, takes part in such a chat, or
    is who its chat among staff is with; that one has no members."""

    kind: ChatKind
    members: Annotated[list[UUID], Field(max_length=MOST_MEMBERS)] = Field(default_factory=list)
    title: Line | None = None
    therapist: Slug | None = None


class MessageBody(Body):
    """``read_seq``: up to which message the page shows the chat; without it, no more than before counts as read."""

    text: Message
    read_seq: Annotated[Whole, Field(ge=0, le=LARGEST_SEQ)] | None = None


class ReadBody(Body):
    """``seq``: up to which message; left out, all of it."""

    seq: Annotated[Whole, Field(ge=0, le=LARGEST_SEQ)] | None = None


class MemberBody(Body):
    client_id: UUID


# ---------------------------------------------------------------- to start one


@router.post(
    "/chats",
    status_code=201,
    summary="Start a chat",
    response_model_exclude_unset=True,
    responses={
        200: {"model": ChatView, "description": "It is there already"},
        **responses(Problem.NOT_FOUND, Problem.CLIENT_ARCHIVED, Problem.NO_THERAPIST_ASSIGNED),
    },
)
async def start_chat(
    *, body: ChatBody, response: Response, services: Svc, caller: Known, request_id: RequestId, now: Now
) -> ChatView:
    """There is one direct chat for a client and a therapist, one care team chat for a client, and one staff chat for a
    therapist: what is there is answered. Groups and communities are made by the practice, with any clients whom the
    caller sees."""
    if not may_start(caller, body.kind):
        raise refuse(Problem.NOT_ALLOWED, f"The role {caller.role.value} does not start {body.kind.value} chats.")
    own = body.kind in OF_ONE_CLIENT
    _check_shape(body, caller, own=own)
    id = uuid5(request_id, "chat")
    async with services.sessions() as session:
        if body.kind is ChatKind.STAFF:
            side, chat = await _start_among_staff(session, caller, body, id=id, now=now)
        elif own:
            side, chat = await _start_own(session, caller, body, id=id, now=now)
        else:
            side, chat = await _make(session, caller, body, id=id, now=now)
        await session.commit()
        row = await chats.visible_chat(session, side, chat.id)
        if chat.id != id:
            response.status_code = 200
        if row is None:
            therapist = await session.get(Therapist, chat.therapist_id) if chat.therapist_id else None
            return unseen_chat_view(chat, therapist.slug if therapist else None)
        return await whole_chat_view(session, side, row)


def _check_shape(body: ChatBody, caller: Caller, *, own: bool) -> None:
    wrong = []
    staff = body.kind is ChatKind.STAFF
    if staff and body.members:
        wrong.append(("members", "must be left out: no client is in it"))
    if staff and caller.is_care_team and body.therapist is None:
        wrong.append(("therapist", "is required: whom the chat is with"))
    if own and len(set(body.members)) != 1:
        wrong.append(("members", "must be the one client of this chat"))
    if (own or staff) and body.title is not None:
        wrong.append(("title", "is for group and community chats"))
    if not (own or staff) and body.title is None:
        wrong.append(("title", "is required"))
    if body.therapist is not None and (own or not caller.is_care_team):
        wrong.append(("therapist", "is named by the care team, and not for a chat of one client"))
    if wrong:
        raise wrong_fields(wrong)


async def _start_own(
    session: AsyncSession, caller: Caller, body: ChatBody, *, id: UUID, now: datetime
) -> tuple[Side, Chat]:
    client = must_find("client", await visible_client(session, caller, body.members[0]))
    side = Side(caller=caller, client=None if caller.is_practice else client)
    part_must_be_on(side, body.kind)
    known = await chats.chat_of_client(session, body.kind, client.id, client.therapist_id)
    if known is not None:
        return side, known
    if await lock_open_client(session, caller, client.id) is None:
        raise refuse(Problem.NOT_FOUND, "This journey was closed. Begin a new one.")
    if body.kind is ChatKind.DIRECT and client.therapist_id is None:
        raise refuse(Problem.NO_THERAPIST_ASSIGNED, "There is no therapist to chat with yet.")
    if caller.is_practice and client.status is ClientStatus.ARCHIVED:
        raise _archived([client])
    chat = chat_writing.of_one_client(body.kind, client.id, client.therapist_id, id=id, by=caller, at=now)
    if not await chat_writing.make_chat(session, chat, [client.id]):  # somebody else started it meanwhile
        chat = await chats.chat_of_client(session, body.kind, client.id, client.therapist_id) or chat
    return side, chat


async def _start_among_staff(
    session: AsyncSession, caller: Caller, body: ChatBody, *, id: UUID, now: datetime
) -> tuple[Side, Chat]:
    therapist = await therapist_by_slug(session, caller.therapist or body.therapist or "")
    if therapist is None:
        raise wrong_fields([("therapist", "is not a therapist of this practice")])
    chat = await chats.staff_chat(session, therapist.id)
    if chat is None:
        chat = chat_writing.of_staff(therapist.id, id=id, by=caller, at=now)
        if not await chat_writing.make_chat(session, chat, []):  # somebody else started it meanwhile
            chat = await chats.staff_chat(session, therapist.id) or chat
    return Side(caller=caller), chat


async def _make(session: AsyncSession, caller: Caller, body: ChatBody, *, id: UUID, now: datetime) -> tuple[Side, Chat]:
    slug = caller.therapist or body.therapist
    therapist = await therapist_by_slug(session, slug) if slug else None
    if slug and therapist is None:
        raise wrong_fields([("therapist", "is not a therapist of this practice")])
    known = await session.get(Chat, id)
    if known is not None:
        return Side(caller=caller), known
    members = await lock_open_clients(session, caller, body.members)
    seen = {client.id for client in members}
    unknown = [(f"members[{n}]", "is no client of yours") for n, id in enumerate(body.members) if id not in seen]
    if unknown:
        raise wrong_fields(unknown)
    archived = [client for client in members if client.status is ClientStatus.ARCHIVED]
    if archived:
        raise _archived(archived)
    chat = Chat(
        id=id,
        kind=body.kind,
        title=body.title,
        therapist_id=therapist.id if therapist else None,
        made_by=caller.actor,
        made_at=now,
    )
    await chat_writing.make_chat(session, chat, [client.id for client in members])
    return Side(caller=caller), chat


def _archived(clients: list[Client]) -> Exception:
    ids = [str(client.id) for client in clients]
    return refuse(Problem.CLIENT_ARCHIVED, "Archived clients are not brought into chats.", client_ids=ids)


# ---------------------------------------------------------------- to see them


@router.get(
    "/chats",
    summary="The asker's chats, the one written in last first",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.OPENING_REQUIRED),
)
async def list_chats(
    *,
    services: Svc,
    caller: Known,
    page: ByTime,
    now: Now,
    client_id: Annotated[UUID | None, Query(description="Chats in which this client is.")] = None,
    kind: ChatKind | None = None,
) -> Listed[ChatView]:
    """Without ``kind``, what is switched off for a client is left out, and so are direct chats that are not open to the
    care team; either is refused when it is asked for, or when all of it is off."""
    side = await side_of(services, caller)
    kinds = [kind] if kind else list(ChatKind)
    if side.client is not None:
        on = [each for each in kinds if side.client.portal_settings.get(setting_of(each), True)]
        if not on:
            part_must_be_on(side, kinds[0])
        kinds = on
    async with services.sessions() as session:
        if client_id and await visible_client(session, caller, client_id) is None:
            raise not_found("client")
        if client_id and kind is ChatKind.DIRECT and caller.is_care_team:
            await must_be_open(session, caller, OpeningKind.DIRECT_CHAT, client_id, now=now)
        found = await chats.list_chats(session, side, kinds=kinds, with_client=client_id, page=page, now=now)
        rows, last = cut(found, page)
    at = (last.chat.last_message_at or last.chat.made_at, last.chat.id) if last else None
    return listed([chat_view(row, caller=caller) for row in rows], at)


@router.get(
    "/chats/{chat_id}",
    summary="One chat",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.OPENING_REQUIRED),
)
async def get_chat(*, chat_id: ChatId, services: Svc, side: OnSide, now: Now) -> ChatView:
    async with services.sessions() as session:
        return await whole_chat_view(session, side, await _must_read(session, side, chat_id, now=now))


@router.get(
    "/chats/{chat_id}/messages",
    summary="The messages of a chat, oldest first",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.OPENING_REQUIRED),
)
async def list_messages(
    *,
    chat_id: ChatId,
    services: Svc,
    side: OnSide,
    page: ByNumber,
    now: Now,
    after: Annotated[int, Query(ge=0, le=LARGEST_SEQ, description="Only messages after this number.")] = 0,
) -> Listed[MessageView]:
    """What is new since the last look: ``after`` the newest ``seq`` that is known."""
    behind = max(after, page.after[0]) if page.after else after
    async with services.sessions() as session:
        await _must_read(session, side, chat_id, now=now)
        found, last = cut(await chats.messages_of(session, chat_id, after_seq=behind, limit=page.limit), page)
        authors = await chats.authors_of(session, side, found)
    return listed([message_view(side, each, authors[each.id]) for each in found], (last.seq,) if last else None)


# ---------------------------------------------------------------- to write, and to read


@router.post(
    "/chats/{chat_id}/messages",
    status_code=201,
    summary="Write a message",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.RATE_LIMITED),
)
async def write_message(
    *, chat_id: ChatId, body: MessageBody, services: Svc, side: OnSide, request_id: RequestId, now: Now
) -> MessageView:
    """A message is text: whatever looks like markup in it is text too. The others are told by mail that one waits."""
    async with services.sessions() as session:
        therapist = (await _must_see(session, side, chat_id)).therapist
        chat = must_find("chat", await chat_writing.lock_chat(session, side, chat_id))
        id = uuid5(request_id, "message")
        message = await session.get(ChatMessage, id)
        if message is None:
            _must_be_read_there(side, chat)
            await _must_not_flood(session, side, chat, now=now)
            message = await chat_writing.write_message(
                session,
                chat,
                id=id,
                text=body.text,
                by=side.caller,
                reader=side.reader,
                author=side.client,
                shown=body.read_seq or 0,
                at=now,
            )
            if chat.kind is ChatKind.STAFF and therapist is not None:
                every = services.settings.policy.new_message_every
                await order_staff_message(session, chat, therapist=therapist, by=side.caller, every=every, at=now)
            await session.commit()
        to = await chats.to_be_told(session, chat, but=side.client.id if side.client else None)
        authors = await chats.authors_of(session, side, [message])
        among_staff = chat.kind is ChatKind.STAFF
    if among_staff:
        await have_delivered(services.engine)
    await tell_journeys(services, [(client_id, chat_id) for client_id in to], request_id=request_id)
    return message_view(side, message, authors[message.id])


def _must_be_read_there(side: Side, chat: Chat) -> None:
    """A former therapist no longer reads what a client writes in the chat they had."""
    if side.client is not None and chat.kind is ChatKind.DIRECT and chat.therapist_id != side.client.therapist_id:
        detail = "This therapist does not read here any more. Write to your present therapist, or to the care team."
        raise refuse(Problem.NOT_ALLOWED, detail)


async def _must_not_flood(session: AsyncSession, side: Side, chat: Chat, *, now: datetime) -> None:
    wait = await chats.wait_before_writing(session, chat, side.client, at=now) if side.client else None
    if wait is not None:
        detail = f"At most {MOST_MESSAGES} messages can be written in a minute. Please wait a moment."
        raise refuse(Problem.RATE_LIMITED, detail, retry_after=ceil(wait.total_seconds()))


@router.post(
    "/chats/{chat_id}/read",
    summary="Mark a chat as read, up to a message or all of it",
    responses=responses(Problem.NOT_FOUND),
)
async def read_chat(
    *, chat_id: ChatId, services: Svc, side: OnSide, now: Now, body: ReadBody | None = None
) -> ReadView:
    """It never goes back: what was read stays read."""
    async with services.sessions() as session:
        chat = (await _must_see(session, side, chat_id)).chat
        said = body.seq if body and body.seq is not None else chat.last_seq
        seq = await chat_writing.mark_read(session, chat_id, side.reader, seq=min(said, chat.last_seq), at=now)
        await session.commit()
    return ReadView(read_seq=seq, unread=max(chat.last_seq - seq, 0))


# ---------------------------------------------------------------- who is in it


@router.post(
    "/chats/{chat_id}/members",
    status_code=201,
    summary="Let a client into a group or community chat",
    responses=responses(Problem.NOT_FOUND, Problem.CLIENT_ARCHIVED),
)
async def add_chat_member(*, chat_id: ChatId, body: MemberBody, services: Svc, side: OnSide, now: Now) -> MemberView:
    """What was written before can be read, and is not unread. Who is in it already stays."""
    async with services.sessions() as session:
        chat = (await _must_see(session, side, chat_id)).chat
        if not side.caller.is_practice or chat.kind in STARTED_ONCE:
            raise refuse(Problem.NOT_ALLOWED, "The practice lets clients into group and community chats.")
        client = await lock_open_client(session, side.caller, body.client_id)
        if client is None:
            raise wrong_fields([("client_id", "is no client of yours")])
        if client.status is ClientStatus.ARCHIVED:
            raise _archived([client])
        locked = must_find("chat", await chat_writing.lock_chat(session, side, chat_id))
        await chat_writing.put_members(session, locked, [client.id], by=side.caller.actor, at=now)
        await session.commit()
        [member] = [m for m, _ in await chats.members_of(session, side, chat_id) if m.client_id == client.id]
    return MemberView.of(member, client, name=client.full_name)


@router.delete(
    "/chats/{chat_id}/members/{member_id}",
    status_code=204,
    summary="Leave a group or community chat, or take a client out",
    responses=responses(Problem.NOT_FOUND),
)
async def remove_chat_member(*, chat_id: ChatId, member_id: Member, services: Svc, side: OnSide, now: Now) -> None:
    """A client leaves by themselves; the practice takes out clients whom it sees."""
    async with services.sessions() as session:
        chat = (await _must_see(session, side, chat_id)).chat
        seen = await visible_client(session, side.caller, member_id)
        if seen is None or (side.client is not None and side.client.id != member_id):
            raise not_found("member")
        if chat.kind in STARTED_ONCE:
            raise refuse(Problem.NOT_ALLOWED, "A chat of one client, or among staff, cannot be left.")
        because = LeftBecause.REMOVED if side.caller.is_practice else LeftBecause.LEFT
        if not await chat_writing.leave_chat(session, chat_id, member_id, because=because, at=now):
            raise not_found("member")
        await session.commit()


# ---------------------------------------------------------------- parts


async def _must_read(session: AsyncSession, side: Side, chat_id: UUID, *, now: datetime) -> ChatRow:
    """The chat, for whoever only reads it. Raises Refused; the care team has to open a direct one."""
    if side.caller.role is Role.CARE_TEAM:
        chat = await session.get(Chat, chat_id)
        if chat is not None and chat.kind is ChatKind.DIRECT and chat.client_id is not None:
            await must_be_open(session, side.caller, OpeningKind.DIRECT_CHAT, chat.client_id, now=now)
    return await _must_see(session, side, chat_id, reading_at=now)


async def _must_see(session: AsyncSession, side: Side, chat_id: UUID, *, reading_at: datetime | None = None) -> ChatRow:
    """The chat, if it is seen and switched on. Raises Refused."""
    row = must_find("chat", await chats.visible_chat(session, side, chat_id, reading_at=reading_at))
    part_must_be_on(side, row.chat.kind)
    if row.chat.client_id is not None:
        shows_clients(row.chat.client_id)
    return row
