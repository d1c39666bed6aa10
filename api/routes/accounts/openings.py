"""Openings (break glass): somebody of the practice opens for an hour what their role does not show of a client."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, BackgroundTasks, Path, Request
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows, shows_no_client
from api.access_log.lines import access_of
from api.accounts.practice_mails import have_delivered
from api.bodies import Body, Prose
from api.deps import ByTime, Now, PracticeOrAdmin, RequestId, Svc, asker_of, must_oversee_client
from api.idempotency import IdempotentRoute
from api.problems import Refused, must_find, refuse, responses
from api.views.accounts import OpeningView
from api.views.lists import Listed, cut, listed
from models.reads.accounts.openings import (
    a_therapist_has_left,
    client_of_opening,
    openings_of,
    practice_has_persons,
)
from models.tables.accounts.account import Account
from models.tables.accounts.opening import Opening
from models.writes.accounts.accesses import write_accesses
from models.writes.accounts.openings import begin_opening, end_opening
from models.writes.locks import lock_client
from rules.accounts.accesses import AccessEvent, AccessKind
from rules.accounts.caller import Caller
from rules.accounts.openings import OpeningKind, refuse_opening
from rules.enums import Role
from rules.refusals import Problem

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=IdempotentRoute)

OF_KIND: Mapping[OpeningKind, AccessKind] = {
    OpeningKind.INTAKE_ANSWERS: AccessKind.FORMS,
    OpeningKind.PRIVATE_NOTES: AccessKind.NOTES,
    OpeningKind.SHARED_NOTES: AccessKind.NOTES,
    OpeningKind.DIRECT_CHAT: AccessKind.CHATS,
    OpeningKind.DOCUMENTS: AccessKind.DOCUMENTS,
    OpeningKind.GOALS: AccessKind.RECORD,
}
"""As which kind of data the access log tells of it."""


class OpeningBody(Body):
    what: OpeningKind
    reason: Prose


@router.post(
    "/clients/{client_id}/openings",
    status_code=201,
    summary="Open for an hour what one's role does not show of a client",
    dependencies=[shows_no_client("what the asker has just said; the line of the opening is its own")],
    responses=responses(Problem.NOT_FOUND),
)
async def open_record(
    *,
    client_id: UUID,
    body: OpeningBody,
    request: Request,
    services: Svc,
    caller: PracticeOrAdmin,
    request_id: RequestId,
    now: Now,
    after: BackgroundTasks,
) -> OpeningView:
    """The client's therapist is told, or else the admins. It ends by itself after 60 minutes."""
    await must_oversee_client(services, caller, client_id)
    asker = await asker_of(request)
    account = asker.account if asker is not None else None
    async with services.sessions() as session:
        client = await lock_client(session, client_id)
        await _must_be_theirs_to_open(session, caller, account, body.what, client_id)
        opening = await begin_opening(
            session,
            client,
            body.what,
            id=uuid5(request_id, "opening"),
            by=caller,
            account=account,
            reason=body.reason,
            at=now,
        )
        kind = OF_KIND[body.what]
        line = access_of(request, asker, AccessEvent.OPENING, at=now, kind=kind, whose=[client_id], caller=caller)
        await write_accesses(session, [line])  # with the opening, or neither
        await session.commit()
    after.add_task(have_delivered, services.engine)
    return _view(opening, now=now)


async def _must_be_theirs_to_open(
    session: AsyncSession, caller: Caller, account: Account | None, what: OpeningKind, client_id: UUID
) -> None:
    refusal = refuse_opening(
        caller,
        what,
        by_person=account is not None,
        persons=account is not None or await practice_has_persons(session),
        left=caller.role is Role.ADMIN and await a_therapist_has_left(session, client_id),
    )
    if refusal is not None:
        raise Refused(refusal)


@router.get(
    "/clients/{client_id}/openings",
    summary="A client's openings, in force and past, newest first",
    dependencies=[shows(AccessKind.RECORD)],
    responses=responses(Problem.NOT_FOUND),
)
async def list_openings(
    *, client_id: UUID, services: Svc, caller: PracticeOrAdmin, page: ByTime, now: Now
) -> Listed[OpeningView]:
    await must_oversee_client(services, caller, client_id)
    async with services.sessions() as session:
        rows, last = cut(await openings_of(session, client_id, page), page)
    return listed([_view(row, now=now) for row in rows], (last.opened_at, last.id) if last else None)


@router.delete(
    "/openings/{opening_id}",
    status_code=204,
    summary="End an opening before its hour is over",
    dependencies=[shows_no_client("an opening ends")],
    responses=responses(Problem.NOT_FOUND),
)
async def close_opening(
    *,
    opening_id: Annotated[UUID, Path(description="An opening's id.")],
    services: Svc,
    caller: PracticeOrAdmin,
    now: Now,
) -> None:
    """By who began it, or an admin. Of one that is over nothing changes."""
    async with services.sessions() as session:
        client_id = must_find("opening", await client_of_opening(session, caller, opening_id))
        client = await lock_client(session, client_id)
        opening = await session.get_one(Opening, opening_id, populate_existing=True)
        if caller.role is not Role.ADMIN and opening.opened_by != caller.actor:
            raise refuse(Problem.NOT_ALLOWED, "An opening is ended by who began it, or by an admin.")
        end_opening(session, client, opening, by=caller, at=now)
        await session.commit()


def _view(opening: Opening, *, now: datetime) -> OpeningView:
    return OpeningView.of(opening, in_force=opening.closed_at is None and now < opening.ends_at)
