"""What waits for a second person, as it is asked for and answered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Response

from api.commands import Command
from api.views.base import View
from models.reads.accounts.persons import Whose, is_anybody_else, person_of
from models.tables.money.approval import Approval
from rules.enums import ApprovalAct, ApprovalStatus, RefundTo, Role
from rules.money.second_person import status_of

_DECIDES = (Role.CARE_TEAM, Role.ADMIN)


class ApprovalView(View):
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


async def somebody_else(command: Command, therapist: Whose) -> bool:
    """Whether anybody but the caller could approve what they ask for, about a client of this therapist's: another
    active account, or another program with a key. Not looked at where there are no ceilings."""
    services = command.services
    if not services.settings.policy.second_person_above:
        return False
    async with services.sessions() as session:
        person = await person_of(session, command.caller)
        others = (key for key in services.settings.service_keys if f"program:{key.name}" != person.key)
        if any(key.role in _DECIDES for key in others):
            return True
        return await is_anybody_else(session, person, therapist=therapist)


async def asked_of_another(command: Command, approval_id: str, response: Response) -> AskedView:
    row = await command.row(Approval, UUID(approval_id))
    response.status_code = 202
    return AskedView.of(row, approval_id=row.id, **shown(row, now=await command.services.clock.now()))
