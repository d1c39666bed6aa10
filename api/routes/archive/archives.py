"""Archive and unarchive: a preview, then a signal to the journey, and a short wait until it is recorded."""

import asyncio
from time import monotonic
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from api.access_log.declared import shows
from api.bodies import Body, Flag, Reason
from api.commands import ByPractice, Command, order_of
from api.deps import Now, Practice, Svc, must_see_client
from api.engine import Gone
from api.idempotency import IdempotentRoute
from api.problems import must_find, refuse, responses
from api.views.archive_plans import ArchivedView, ArchiveUnderWay, UnarchivedView
from models.reads.archive.situation import archive_situation
from models.reads.clients.clients import visible_client
from models.reads.clients.step_answers import ARCHIVE_CLIENT, UNARCHIVE_CLIENT, client_once_answered
from models.reads.clients.timeline import fact_of_request
from models.tables.clients.client import Client
from rules.accounts.accesses import AccessKind
from rules.archive.plan import plan_archive
from rules.archive.restore import nothing_restored
from rules.enums import ClientStatus
from rules.refusals import Problem
from workflows.messages import ARCHIVE, UNARCHIVE, ArchiveSignal, UnarchiveSignal, journey_id

router = APIRouter(
    prefix="/v1",
    tags=["archive"],
    route_class=IdempotentRoute,
    dependencies=[shows(AccessKind.RECORD, of_archive=True)],
)

_WAIT_AT_MOST = 10.0
_FIRST_LOOK, _LONGEST_PAUSE = 0.05, 0.5


@router.get(
    "/clients/{client_id}/archive",
    summary="What an archive would stop, before it is confirmed; or what it stopped",
    response_model=ArchivedView,
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def preview_archive(
    *,
    client_id: UUID,
    services: Svc,
    caller: Practice,
    now: Now,
    notify: Annotated[bool, Query(description="As it would be said when archiving: it decides about `mails`.")] = True,
) -> dict[str, Any]:
    """Timers are told as the client's journey plans them, by the settings in force."""
    _ = await must_see_client(services, caller, client_id)
    # One view of everything: what happens between two statements would be in one line and not in another.
    async with services.sessions() as session:
        _ = await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        client = must_find("client", await visible_client(session, caller, client_id))
        if client.status is ClientStatus.ARCHIVED:
            return _recorded(client)
        if client.closed_at is not None or client.joined_into is not None:
            raise refuse(Problem.NOT_FOUND, _why_gone(client))
        situation = await archive_situation(session, client, policy=services.settings.policy, now=now)
    plan = plan_archive(situation, now=now, notify=notify)
    return {**_named(client), "already_archived": False, **plan.to_document()}


def _named(client: Client) -> dict[str, Any]:
    return {"client_id": client.id, "test": client.test}


def _recorded(client: Client) -> dict[str, Any]:
    return {**_named(client), "already_archived": True, **(client.archive_record or {})}


class ArchiveBody(Body):
    """``notify``: send the ordinary cancellation mails for what is cancelled. Without it neither the client nor the
    therapist is told of them."""

    reason: Reason | None = None
    notify: Flag = True


class UnarchiveBody(Body):
    """``restore``: bring back what the archive cancelled, as far as that can be."""

    restore: Flag = False


_PENDING: dict[int | str, dict[str, Any]] = {
    202: {
        "model": ArchiveUnderWay,
        "description": "Sent; not recorded yet. Ask again with the same Idempotency-Key: nothing is done twice.",
        "headers": {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}},
    }
}


@router.post(
    "/clients/{client_id}/archive",
    summary="Archive a client",
    response_model=ArchivedView,
    response_model_exclude_unset=True,
    responses={**_PENDING, **responses(Problem.NOT_FOUND)},
)
async def archive_client(
    *, client_id: UUID, command: ByPractice, body: ArchiveBody | None = None
) -> dict[str, Any] | JSONResponse:
    client = await command.must_see_client(client_id)
    if client.status is not ClientStatus.ARCHIVED:
        signal = order_of(ArchiveSignal, body or ArchiveBody(), context=_asked(command))
        signal = await command.hand_in(signal, about=client_id)
        await _send(command, client_id, ARCHIVE, signal)
        await asyncio.sleep(_FIRST_LOOK)
    return await _result(command, client_id, wanted=ClientStatus.ARCHIVED)


@router.post(
    "/clients/{client_id}/unarchive",
    summary="Make an archived client active again, and restore what was cancelled if asked",
    response_model=UnarchivedView,
    response_model_exclude_unset=True,
    responses={**_PENDING, **responses(Problem.NOT_FOUND)},
)
async def unarchive_client(
    *, client_id: UUID, command: ByPractice, body: UnarchiveBody | None = None
) -> dict[str, Any] | JSONResponse:
    """``restored`` is what this request has brought back, and ``not_restored`` what it could not, and why. Both are
    empty without ``restore``, and with ``already_active``: the client was active before this request came, by hand or
    by a booking, and an archive can be undone only while it lasts.
    """
    client = await command.must_see_client(client_id)
    if client.status is not ClientStatus.ACTIVE:
        signal = order_of(UnarchiveSignal, body or UnarchiveBody(), context=_asked(command))
        await _send(command, client_id, UNARCHIVE, signal)
        await asyncio.sleep(_FIRST_LOOK)
    return await _result(command, client_id, wanted=ClientStatus.ACTIVE)


def _asked(command: Command) -> dict[str, object]:
    return {"request_id": command.request_id, "by": command.caller.actor}


async def _send(command: Command, client_id: UUID, name: str, signal: object) -> None:
    sent = await command.services.engine.signal(journey_id(str(client_id)), name, signal)
    if isinstance(sent, Gone):
        client = await command.must_see_client(client_id)  # it may have ended since the first look
        raise refuse(Problem.NOT_FOUND, _why_gone(client))
    await asyncio.sleep(_FIRST_LOOK)  # no journey has done it sooner


def _why_gone(client: Client) -> str:
    if client.joined_into is not None:
        return "This record was joined into another one of the same person, which has everything of it now."
    if client.closed_at is not None:
        return "This journey was closed, because nobody booked; there is nothing to archive."
    return "This journey does not run in the engine any more; an engineer must look at it."


async def _result(command: Command, client_id: UUID, *, wanted: ClientStatus) -> dict[str, Any] | JSONResponse:
    """What was done, once it is recorded. Another request's archive may have been the one that counted."""
    give_up, pause = monotonic() + _WAIT_AT_MOST, _FIRST_LOOK
    archives, id = wanted is ClientStatus.ARCHIVED, str(command.request_id)
    step = ARCHIVE_CLIENT if archives else UNARCHIVE_CLIENT
    while True:
        async with command.services.sessions() as session:
            found = await client_once_answered(session, command.caller, client_id, step, id)
            client, by_this_request = must_find("client", found)
            if by_this_request and archives and (client.archive_record or {}).get("request_id") == id:
                return {**_recorded(client), "already_archived": False}  # it lasts, and is told by its own record
            fact = await fact_of_request(session, client_id, id) if by_this_request else None
        told = fact.fact.data if fact is not None else {}
        if by_this_request and archives:
            reason = fact.words if fact is not None else None
            return {**_named(client), "already_archived": False, **told, "reason": reason}
        if client.status is wanted or by_this_request:
            if archives:
                return _recorded(client)
            return _active(client, told, already=not by_this_request)
        if monotonic() > give_up:
            pending = ArchiveUnderWay(**_named(client), status="pending", request_id=command.request_id)
            return JSONResponse(pending.model_dump(mode="json"), status_code=202, headers={"Retry-After": "2"})
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _active(client: Client, recorded: dict[str, Any], *, already: bool) -> dict[str, Any]:
    """What was restored, and what could not be; nothing where the client was active before this request."""
    told = {name: recorded.get(name, nothing) for name, nothing in nothing_restored().items()}
    return {**_named(client), "status": ClientStatus.ACTIVE, "already_active": already, **told}
