"""What waits for a second person: listed, approved and refused."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request

from activities.types.clients import Done
from api.access_log.declared import shows
from api.bodies import Body, Reason
from api.commands import ByPractice, Command, order_of
from api.deps import ByTime, Now, Practice, Services, Svc, asker_of
from api.engine import Gone
from api.idempotency import IdempotentRoute
from api.problems import must_find, not_found, responses
from api.problems import refuse as refuse_with
from api.routes.money.second_person import CARRIED_OUT_BY, ApprovalView, shown
from api.views.lists import Listed, cut, listed
from models.reads.accounts.openings import practice_has_persons
from models.reads.money.approvals import approval_to_settle
from models.reads.money.approvals import list_approvals as read_list_approvals
from models.tables.money.approval import Approval
from rules.accounts.accesses import AccessKind
from rules.accounts.caller import Caller
from rules.enums import ApprovalStatus
from rules.refusals import Problem
from workflows.messages import REFUSE_APPROVAL, Update, journey_id

router = APIRouter(
    prefix="/v1", tags=["payments"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.PAYMENTS)]
)


@router.get("/approvals", summary="What waits for a second person, or did, the newest first", responses=responses())
async def list_approvals(
    *,
    services: Svc,
    caller: Practice,
    page: ByTime,
    now: Now,
    status: Annotated[ApprovalStatus | None, Query()] = None,
    client: Annotated[UUID | None, Query()] = None,
) -> Listed[ApprovalView]:
    """Of whatever the caller may decide about; what they have asked for themselves is among it."""
    async with services.sessions() as session:
        found = await read_list_approvals(session, caller, page, status=status, client=client, now=now)
    rows, last = cut(found, page)
    items = [ApprovalView.of(row, **shown(row, now=now)) for row in rows]
    return listed(items, (last.asked_at, last.id) if last else None)


@router.post(
    "/approvals/{approval_id}/approve",
    summary="Approve what somebody else asked for, and carry it out",
    responses=responses(
        Problem.NOT_FOUND,
        Problem.SECOND_PERSON_REQUIRED,
        Problem.PAYMENT_NOT_OPEN,
        Problem.PAYMENT_NOT_REFUNDABLE,
    ),
)
async def approve_request(*, approval_id: UUID, request: Request, command: ByPractice) -> ApprovalView:
    """What cannot be carried out any more is refused as it would be to who asked; the approval then waits on."""
    await _must_be_a_person(request, command.services)
    row = await _must_see(command.services, command.caller, approval_id)
    message = CARRIED_OUT_BY[row.act]
    # An update of its own, by whoever approves: the one that asked was answered.
    answer = await command.services.engine.update(
        journey_id(str(row.client_id)),
        message,
        _order(message, row, command),
        request_id=f"{row.request_id}/{command.request_id}",
    )
    if isinstance(answer, Gone):
        raise not_found("approval")
    return await _as_it_stands(command, approval_id)


class RefusalBody(Body):
    reason: Reason | None = None


@router.post(
    "/approvals/{approval_id}/refuse",
    summary="Refuse what somebody asked for, or take back what one has asked for oneself",
    responses=responses(Problem.NOT_FOUND, Problem.SECOND_PERSON_REQUIRED),
)
async def refuse_request(*, approval_id: UUID, command: ByPractice, body: RefusalBody | None = None) -> ApprovalView:
    row = await _must_see(command.services, command.caller, approval_id)
    if row.settled is not ApprovalStatus.REFUSED:
        _ = await command.ask(REFUSE_APPROVAL, body, client_id=row.client_id, approval_id=approval_id)
    return await _as_it_stands(command, approval_id)


def _order(message: Update[Any, Done], row: Approval, command: Command) -> Any:
    """The order that was asked for, by whoever approves it. Why it was asked for stays in the row."""
    said = {name: value for name, value in row.order.items() if name != "reason"}
    about = {"payment_id": row.payment_id} if row.payment_id is not None else {}
    context = {"request_id": row.request_id, "client_id": row.client_id, "by": command.caller}
    return order_of(message.argument, None, context=context, approval=row.id, **about, **said)


async def _as_it_stands(command: Command, approval_id: UUID) -> ApprovalView:
    row = await command.row(Approval, approval_id)
    return ApprovalView.of(row, **shown(row, now=await command.services.clock.now()))


async def _must_be_a_person(request: Request, services: Services) -> None:
    """A program is no second person: whoever asked may hold its key, or have made it. Where nobody can sign in yet
    there are programs alone. Raises Refused."""
    asker = await asker_of(request)
    if asker is not None and asker.account is not None:
        return
    async with services.sessions() as session:
        if await practice_has_persons(session):
            detail = "Only a person who has signed in approves something: nobody stands behind a program's word."
            raise refuse_with(Problem.NOT_ALLOWED, detail)


async def _must_see(services: Services, caller: Caller, approval_id: UUID) -> Approval:
    async with services.sessions() as session:
        return must_find("approval", await approval_to_settle(session, caller, approval_id))
