"""Clients: the list, one of them, their details, their match and their timeline."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Depends, Query
from pydantic import BaseModel, Field

from activities.types.clients import GroupChoice
from api.access_log.declared import shows
from api.access_log.shown import holds_for_now, holds_until, shows_an_archive
from api.accounts.practice_mails import have_delivered
from api.bodies import Body, ClientDetailsBody, Flag, Reason, Slug
from api.commands import ByCareTeam, ByKnown
from api.deps import (
    ByNumber,
    Cursor,
    Known,
    Limit,
    Now,
    Practice,
    Services,
    Svc,
    UpdatedSince,
    must_see_client,
    page_behind,
)
from api.idempotency import IdempotentRoute
from api.problems import must_find, refuse, responses, wrong_fields
from api.reading.versioned import MadeOf, versioned
from api.views.booking import AppointmentView
from api.views.clients import (
    ClientView,
    FactView,
    FaultView,
    ListedClients,
    TabsView,
    VerifiedView,
    client_view,
    listed_client_view,
)
from api.views.lists import Listed, cut, listed
from api.views.matches import MatchView
from models.database import chain_keys
from models.paging import DEFAULT_LIMIT, Page, cursor_of
from models.reads.booking.therapists import therapist_by_slug
from models.reads.changed_since import ChangedSince, changed_since
from models.reads.clients.clients import (
    ClientFilter,
    ClientSort,
    list_changed_clients,
    totals_of,
    visible_client,
    with_context,
)
from models.reads.clients.clients import list_clients as read_list_clients
from models.reads.clients.matches import present_match
from models.reads.clients.timeline import entry_of, facts_of, newest_facts_of
from models.reads.keeping.anchors import heads_of_client, read_anchored
from models.reads.money.balance import money_of_clients
from models.tables.clients.client import PORTAL_SETTINGS
from rules.accounts.accesses import AccessKind
from rules.accounts.caller import Caller
from rules.archive.plan import MoneyLine
from rules.chain import faults_of
from rules.changes import ChangedKind
from rules.enums import ClientStatus, Stage
from rules.refusals import Problem
from workflows.messages import CHANGE_DETAILS, MATCH_BY_HAND

router = APIRouter(prefix="/v1", tags=["clients"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.RECORD)])

_MOST_FACTS = 100_000
NEWEST = ClientSort.NEWEST


def _sorted(
    sort: Annotated[ClientSort, Query(description="By last name, then first name; else the newest first.")] = NEWEST,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> tuple[ClientSort, Page]:
    return sort, page_behind(cursor, sort.kinds, limit=limit)


@router.get(
    "/clients",
    dependencies=[versioned(MadeOf.MANY)],
    summary="Clients, newest first or by name",
    response_model_exclude_unset=True,
    responses=responses(),
)
async def list_clients(
    *,
    services: Svc,
    caller: Known,
    now: Now,
    listing: Annotated[tuple[ClientSort, Page], Depends(_sorted)],
    status: Annotated[ClientStatus | None, Query(description="For the practice.")] = None,
    stage: Annotated[Stage | None, Query()] = None,
    therapist: Annotated[str | None, Query(max_length=80, description="A therapist's slug.")] = None,
    group: Annotated[UUID | None, Query()] = None,
    q: Annotated[str | None, Query(max_length=200, description="Part of a name, address, phone or ref.")] = None,
    updated_since: UpdatedSince = None,
) -> ListedClients:
    """Journeys that were closed are left out."""
    sort, page = listing
    if status is not None and not caller.is_practice:
        raise wrong_fields([("status", "is not a filter for this caller")])
    if status is ClientStatus.ARCHIVED or stage is Stage.ARCHIVED:
        shows_an_archive()
    wanted = ClientFilter(status=status, stage=stage, therapist=therapist, group=group, q=q)
    if updated_since is not None and sort is not ClientSort.NEWEST:
        raise wrong_fields([("sort", "does not go with updated_since")])
    async with services.sessions() as session:
        changed: ChangedSince | None = None
        if updated_since is None:
            listed_now = await read_list_clients(session, caller, wanted, page, sort=sort)
        else:
            changed = await changed_since(session, caller, ChangedKind.CLIENT, updated_since)
            listed_now = await list_changed_clients(session, caller, wanted, page, changed)
        found, last = cut(listed_now, page)
        clients = [client for client, _ in found]
        rows = await with_context(session, clients, now=now)
        told: dict[str, Any] = {}
        money: dict[UUID, tuple[MoneyLine, ...]] = {}
        if caller.is_practice:
            holds_for_now()  # a payment that failed is owed once its deadline has passed
            money = await money_of_clients(session, clients, now=now)
            told["totals"] = TabsView.of(await totals_of(session, caller, wanted))
    holds_until(*(row.until for row in rows))
    if changed is not None:
        told["as_of"] = changed.caught_up
    items = [listed_client_view(row, money.get(row.client.id, ()), caller=caller) for row in rows]
    return ListedClients(items=items, next_cursor=cursor_of(*last[1]) if last else None, **told)


@router.get(
    "/clients/{client_id}",
    dependencies=[versioned(MadeOf.ONE)],
    summary="One client",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def get_client(*, client_id: UUID, services: Svc, caller: Known, now: Now) -> ClientView:
    return await _view(services, caller, client_id, now=now)


async def _view(services: Services, caller: Caller, client_id: UUID, *, now: datetime) -> ClientView:
    async with services.sessions() as session:
        client = must_find("client", await visible_client(session, caller, client_id))
        (row,) = await with_context(session, [client], now=now)
        holds_until(row.until)
        view = client_view(row, caller=caller)
        if caller.is_practice:
            match = await present_match(session, client.id)
            view.match = MatchView.of(match) if match else None
    return view


class ClientChanges(ClientDetailsBody):
    """What is left out stays as it is, and so does what is null, but for ``group``: null takes the client out of it.

    ``group`` and ``portal_settings`` are the practice's to change.
    """

    group: UUID | None = None
    portal_settings: dict[str, Flag] | None = None
    unsubscribed: Flag | None = None


@router.patch(
    "/clients/{client_id}",
    summary="Change details, the group, portal settings or the subscription",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND, Problem.EMAIL_IN_USE),
)
async def change_client(
    *, client_id: UUID, body: ClientChanges, command: ByKnown, now: Now, after: BackgroundTasks
) -> ClientView:
    caller = command.caller
    grouped = "group" in body.model_fields_set
    if grouped and not caller.is_practice:
        raise refuse(Problem.NOT_ALLOWED, "The group is the practice's to change.")
    if body.portal_settings is not None and not caller.is_practice:
        raise refuse(Problem.NOT_ALLOWED, "Portal settings are the practice's to change.")
    unknown = sorted(set(body.portal_settings or {}) - set(PORTAL_SETTINGS))
    if unknown:
        known = ", ".join(PORTAL_SETTINGS)
        raise wrong_fields([("portal_settings", f"has only these settings: {known}")])
    await command.must_see_client(client_id)
    _ = await command.ask(
        CHANGE_DETAILS,
        client_id=client_id,
        details=body.model_dump(exclude={"group", "portal_settings", "unsubscribed"}),
        portal_settings=body.portal_settings,
        unsubscribed=body.unsubscribed,
        group=GroupChoice(group_id=str(body.group) if body.group else None) if grouped else None,
    )
    if body.email is not None:
        after.add_task(have_delivered, command.services.engine)  # a former address is told
    return await _view(command.services, caller, client_id, now=now)


# ---------------------------------------------------------------- match


class MatchBody(Body):
    therapist: Slug
    reason: Reason
    cancel_appointments: Flag = False


class RematchedView(BaseModel):
    """``open_appointments``: those with the former therapist that stand; ``cancelled``: those just cancelled."""

    match: MatchView
    client: ClientView
    open_appointments: list[AppointmentView] = Field(default_factory=list)
    cancelled: list[AppointmentView] = Field(default_factory=list)


@router.put(
    "/clients/{client_id}/match",
    summary="Match by hand, or give another therapist",
    response_model_exclude_unset=True,
    responses=responses(Problem.NOT_FOUND),
)
async def match_by_hand(*, client_id: UUID, body: MatchBody, command: ByCareTeam, now: Now) -> RematchedView:
    services, caller = command.services, command.caller
    await command.must_see_client(client_id)
    async with services.sessions() as session:
        if await therapist_by_slug(session, body.therapist) is None:
            raise wrong_fields([("therapist", "there is no such therapist")])
    matched = await command.ask(MATCH_BY_HAND, body, client_id=client_id)
    client = await _view(services, caller, client_id, now=now)
    former, cancelled = (
        [AppointmentView.of_answer(one, matched.facts, caller=caller, cancel_reason=why) for one in answered]
        for answered, why in ((matched.former_appointments, None), (matched.cancelled, body.reason))
    )
    gone = {view.id for view in cancelled}
    return RematchedView(
        match=client.match or MatchView.of_document(matched.match or {"therapist": body.therapist}),
        client=client,
        open_appointments=[view for view in former if view.id not in gone],
        cancelled=cancelled,
    )


# ---------------------------------------------------------------- timeline


@router.get(
    "/clients/{client_id}/timeline",
    dependencies=[versioned(MadeOf.ONE)],
    summary="Every fact of a client's journey, oldest first",
    responses=responses(Problem.NOT_FOUND),
)
async def list_timeline(
    *,
    client_id: UUID,
    services: Svc,
    caller: Practice,
    page: ByNumber,
    newest_first: Annotated[
        bool, Query(description="The last fact first; a cursor goes on in the same order.")
    ] = False,
) -> Listed[FactView]:
    await must_see_client(services, caller, client_id)
    at = page.after[0] if page.after else None
    async with services.sessions() as session:
        if newest_first:
            found = await newest_facts_of(session, client_id, before_seq=at, limit=page.limit + 1)
        else:
            found = await facts_of(session, client_id, after_seq=at or 0, limit=page.limit + 1)
    rows, last = cut(found, page)
    views = [FactView.of(row.fact, words=row.shown) for row in rows]
    return listed(views, (last.fact.seq,) if last else None)


@router.get(
    "/clients/{client_id}/timeline/verify",
    summary="Verify the chain of a client's timeline against the keys and the anchors",
    responses=responses(Problem.NOT_FOUND),
)
async def verify_timeline(*, client_id: UUID, services: Svc, caller: Practice) -> VerifiedView:
    # One statement's view of all: facts that are being added meanwhile belong to a later head.
    async with services.sessions() as session:
        _ = await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        client = must_find("client", await visible_client(session, caller, client_id))
        facts = await facts_of(session, client_id, after_seq=0, limit=_MOST_FACTS)
        keys, covered = chain_keys(session), await heads_of_client(session, client_id)
    anchored, faults = read_anchored(keys, covered)
    faults += faults_of(keys, map(entry_of, facts), client.head, anchored=anchored)
    faults.sort(key=lambda fault: fault.seq)
    return VerifiedView(
        valid=not faults,
        facts=len(facts),
        head=client.fact_hash,
        broken=str(faults[0]) if faults else None,
        faults=[FaultView(entry=fault.seq, last=fault.last, what=str(fault)) for fault in faults],
    )
