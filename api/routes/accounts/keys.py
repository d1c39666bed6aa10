"""Programs' keys: made, listed, rotated and revoked by an admin. The key itself is shown once."""

from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter
from fastapi import Body as InBody
from pydantic import BaseModel, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.acts import Acts
from api.access_log.declared import shows_no_client
from api.accounts.tokens import hash_of, new_key
from api.bodies import Body, Flag, Instant, Slug
from api.deps import Admin, ByTime, Now, RequestId, Services, Svc
from api.idempotency import IdempotentRoute
from api.problems import not_found, responses, wrong_fields
from api.views.lists import Listed, cut, listed
from models.reads.accounts.keys import an_admin_has_an_account, list_keys
from models.tables.accounts.program_key import ProgramKey
from models.writes.accounts.keys import ActorNameTaken, lock_key, make_key, revoke_key, rotate_key
from rules.accounts.accesses import AccessEvent
from rules.accounts.limits import KEY_OVERLAP
from rules.accounts.programs import KeyScope, wrong_with_key
from rules.enums import Role
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1", tags=["keys"], route_class=IdempotentRoute, dependencies=[shows_no_client("programs' keys")]
)


class NewKey(Body):
    """``scopes`` narrow the role; without any the key may all that its role may."""

    name: Slug
    role: Role
    scopes: Annotated[list[KeyScope], Field(max_length=len(KeyScope))] = Field(default_factory=list)
    expires_at: Instant | None = None


class Rotation(Body):
    """``at_once`` ends the former key now, rather than a day later. ``expires_at`` is as it was where it is not said,
    and never where it is null."""

    at_once: Flag = False
    expires_at: Instant | None = None


class KeyView(BaseModel):
    """``last_used_at`` is noted every few minutes. ``former_until``: how long the key before the last rotation is
    good."""

    id: UUID
    name: str
    role: Role
    scopes: list[KeyScope]
    made_by: str
    made_at: datetime
    rotated_at: datetime | None
    former_until: datetime | None
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewKeyView(KeyView):
    """``key`` is shown this once."""

    key: str


def _fields(row: ProgramKey, *, now: datetime) -> dict[str, object]:
    shown = row.model_dump(include=set(KeyView.model_fields))
    ended = row.former_until is not None and row.former_until <= now
    return shown | ({"former_until": None} if ended else {})


def _with_key(row: ProgramKey, key: str, *, now: datetime) -> NewKeyView:
    return NewKeyView.model_validate(_fields(row, now=now) | {"key": key})


@router.post("/keys", status_code=201, summary="Make a key for a program", responses=responses())
async def make_program_key(
    *, body: NewKey, services: Svc, caller: Admin, acts: Acts, request_id: RequestId, now: Now
) -> NewKeyView:
    key, id = new_key(), uuid5(request_id, "key")
    async with services.sessions() as session:
        if await lock_key(session, id) is None:
            await _check(session, services, body, now=now)
            try:
                await make_key(
                    session,
                    id=id,
                    name=body.name,
                    role=body.role,
                    scopes=body.scopes,
                    expires_at=body.expires_at,
                    key_hash=hash_of(key),
                    by=caller.actor,
                    of_settings=services.settings.names_of_keys,
                    at=now,
                )
            except ActorNameTaken:
                raise wrong_fields([("name", "somebody, or some program, has or had this name")]) from None
        row = await session.get_one(ProgramKey, id)
        row.hash = hash_of(key)  # where the same request's answer was lost, nobody was told the first one
        session.add(row)
        await acts.note(session, (AccessEvent.KEY_MADE, row.name))
        view = _with_key(row, key, now=now)
        await session.commit()
    return view


async def _check(session: AsyncSession, services: Services, body: NewKey, *, now: datetime) -> None:
    wrong = [*wrong_with_key(body.role, body.scopes), *_not_ahead(body.expires_at, now=now)]
    persons = services.settings.admins_are_persons and body.role is Role.ADMIN
    if persons and await an_admin_has_an_account(session):
        wrong.append(("role", "admins are persons here: a key with this role would be refused"))
    if wrong:
        raise wrong_fields(wrong)


def _not_ahead(expires_at: datetime | None, *, now: datetime) -> list[tuple[str, str]]:
    return [("expires_at", "must be ahead")] if expires_at is not None and expires_at <= now else []


@router.get("/keys", summary="Programs' keys, those that have ended included", responses=responses())
async def list_program_keys(*, services: Svc, _: Admin, page: ByTime, now: Now) -> Listed[KeyView]:
    async with services.sessions() as session:
        rows, last = cut(await list_keys(session, page=page), page)
    views = [KeyView.model_validate(_fields(row, now=now)) for row in rows]
    return listed(views, (last.made_at, last.id) if last else None)


@router.post(
    "/keys/{key_id}/rotate",
    status_code=201,
    summary="Give a program another key; the former one is good for a day more",
    responses=responses(Problem.NOT_FOUND),
)
async def rotate_program_key(
    *,
    key_id: UUID,
    services: Svc,
    _: Admin,
    acts: Acts,
    request_id: RequestId,
    now: Now,
    body: Annotated[Rotation | None, InBody()] = None,
) -> NewKeyView:
    said, key = body or Rotation(), new_key()
    async with services.sessions() as session:
        row = await _key(session, key_id)
        expires_at = said.expires_at if "expires_at" in said.model_fields_set else row.expires_at
        if wrong := _not_ahead(expires_at, now=now):
            raise wrong_fields(wrong)
        overlap = KEY_OVERLAP * (not said.at_once)
        await rotate_key(session, row, hash_of(key), rotation_id=request_id, overlap=overlap, at=now)
        row.expires_at = expires_at
        session.add(row)
        await acts.note(session, (AccessEvent.KEY_ROTATED, row.name))
        view = _with_key(row, key, now=now)
        await session.commit()
    return view


@router.delete(
    "/keys/{key_id}",
    status_code=204,
    summary="Revoke a key: it ends now",
    responses=responses(Problem.NOT_FOUND),
)
async def revoke_program_key(*, key_id: UUID, services: Svc, _: Admin, acts: Acts, now: Now) -> None:
    async with services.sessions() as session:
        row = await _key(session, key_id)
        await revoke_key(session, row, at=now)
        await acts.note(session, (AccessEvent.KEY_REVOKED, row.name))
        await session.commit()


async def _key(session: AsyncSession, key_id: UUID) -> ProgramKey:
    row = await lock_key(session, key_id)
    if row is None:
        raise not_found("key")
    return row
