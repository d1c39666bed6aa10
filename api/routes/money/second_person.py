"""What waits for a second person, as it is asked for and answered."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Response

from activities.types.clients import Done
from api.access_log.marking import OfNamedClient
from api.accounts.practice_mails import have_delivered
from api.bodies import Body
from api.commands import Command
from api.views.base import View
from engine.vouching import Vouching
from models.reads.accounts.keys import keys_of_role
from models.reads.accounts.openings import practice_has_persons
from models.reads.accounts.persons import Whose, is_anybody_else, person_of
from models.tables.money.approval import Approval
from rules.accounts.vouching import PURPOSE
from rules.enums import ApprovalAct, ApprovalStatus, RefundTo, Role
from rules.money.second_person import asked_about, status_of
from workflows.messages import GRANT_CREDIT, REFUND, WAIVE_PAYMENT, WRITE_OFF_PAYMENT, Update

CARRIED_OUT_BY: Mapping[ApprovalAct, Update[Any, Done]] = {
    ApprovalAct.CREDIT: GRANT_CREDIT,
    ApprovalAct.REFUND: REFUND,
    ApprovalAct.WAIVE: WAIVE_PAYMENT,
    ApprovalAct.WRITE_OFF: WRITE_OFF_PAYMENT,
}


class ApprovalView(View, OfNamedClient):
    """``to`` is a refund's. ``settled_by`` and ``settled_at`` are empty while it waits, and of one that has lapsed;
    ``answer`` is why it was refused."""

    id: UUID
    act: ApprovalAct
    client_id: UUID
    payment_id: UUID | None
    amount: int
    currency: str
    to: RefundTo | None
    reason: str
    status: ApprovalStatus
    asked_by: str
    asked_at: datetime
    lapses_at: datetime
    settled_by: str | None
    settled_at: datetime | None
    answer: str | None


class AskedView(ApprovalView):
    """Nothing is done yet: ``approval_id`` is what another person approves or refuses."""

    approval_id: UUID


WAITS: dict[int | str, dict[str, Any]] = {202: {"model": AskedView, "description": "It waits for a second person."}}


def shown(row: Approval, *, now: datetime) -> dict[str, Any]:
    """What of a view does not stand in the row as it is."""
    status = status_of(settled=row.settled, lapses_at=row.lapses_at, now=now)
    return {"status": status, "to": row.order.get("to"), "reason": row.order["reason"]}


async def ask_alone_or_of_another(
    command: Command, act: ApprovalAct, body: Body, *, therapist: Whose, client_id: UUID, **said: object
) -> Done:
    """What the client's journey answers: done, or waiting for a second person where there is one.

    ``therapist``: whose client it is about, and who may so decide about it as well.
    """
    order = command.order(CARRIED_OUT_BY[act].argument, body, client_id=client_id, **said)
    another = None
    if await _is_anybody_else(command, therapist):
        another = Vouching(command.services.cipher, PURPOSE).sign(asked_about(order, act))
    return await command.ask(CARRIED_OUT_BY[act], body, client_id=client_id, another=another, **said)


async def _is_anybody_else(command: Command, therapist: Whose) -> bool:
    """Whether anybody but the caller could approve what they ask for: another active account; or another program with a
    key, where nobody can sign in yet. Not looked at where there are no ceilings."""
    services = command.services
    if not services.settings.policy.second_person_above:
        return False
    async with services.sessions() as session:
        person = await person_of(session, command.caller)
        if await practice_has_persons(session):
            return await is_anybody_else(session, person, therapist=therapist)
        now = await services.clock.now()
        made = await keys_of_role(session, Role.CARE_TEAM, now=now)
        names = {key.name for key in services.settings.service_keys if key.role is Role.CARE_TEAM}
        return bool({*names, *(key.name for key in made)} - {person.key.removeprefix("program:")})


async def asked_of_another(command: Command, approval_id: str, response: Response) -> AskedView:
    """It waits, and those who may settle it are told by mail."""
    await have_delivered(command.services.engine)
    row = await command.row(Approval, UUID(approval_id))
    response.status_code = 202
    return AskedView.of(row, approval_id=row.id, **shown(row, now=await command.services.clock.now()))
