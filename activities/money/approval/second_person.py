"""What one person may not decide alone: it is written down, and carried out by the order of whoever approves it.

The approval is settled in the transaction that carries out what was asked for, so that it is either both or neither.
The client's row is locked throughout.
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import Dependencies, derived_id
from activities.tasks import close_tasks, open_task_once
from activities.types.clients import Done
from activities.types.money import GrantOrder, LetGoOrder, RefundOrder
from activities.words import heard, taken_over
from models.reads.accounts.persons import person_of
from models.reads.journey import project
from models.reads.money.approvals import approval_of_request, given_alone, lapsed_of
from models.reads.money.approvers import approvers_of
from models.tables.clients.client import Client
from models.tables.money.approval import Approval
from models.tables.money.payment import Payment
from models.writes.outbox import order_practice_mail
from models.writes.timeline import tell
from rules.accounts.caller import Caller, therapist_caller
from rules.enums import ApprovalAct, ApprovalStatus, Role, TaskKind
from rules.mail.kinds import Mail
from rules.mail.orders import account_mail_order
from rules.money.currencies import in_units
from rules.money.fees import Money
from rules.money.second_person import (
    ADDED_UP_OVER,
    LAPSES_AFTER,
    asked_about,
    ceiling_of,
    needs_second_person,
    refuse_settling,
    required,
    status_of,
)
from rules.policy import JourneyPolicy
from rules.refusals import Problem, Refusal
from rules.timeline import FactKind

Order = TypeVar("Order", GrantOrder, RefundOrder, LetGoOrder)

NO_APPROVAL = Refusal(name=Problem.NOT_FOUND, detail="There is no such approval.")
_NOT_BY_HAND = required("In the engine's UI nobody knows who you are: sign in on the practice's pages, or use the API.")
_NOBODY_ELSE = "This is more than you may decide alone, and there is nobody else who could approve it."
_WITH_A_MARK = (
    "This fee is more than you may waive alone. Leave it out here, and ask for it on the payment that comes of it:"
    " POST /v1/payments/{id}/waive. Another person approves it there."
)
_SAID_BY_THE_MESSAGE = ("request_id", "client_id", "by", "payment_id", "handed_in", "another", "approval")


@dataclass(frozen=True)
class Standing(Generic[Order]):
    """An order as it is to be carried out: by whoever asked for it, in their words. Behind it stands, perhaps, what
    was asked of a second person, ``approver``."""

    order: Order
    approval: Approval | None = None
    approver: Caller | None = None

    @property
    def approved_by(self) -> str | None:
        return self.approver.actor if self.approver is not None else None

    @property
    def told(self) -> dict[str, str]:
        """For the fact of what is done."""
        if self.approval is None or self.approver is None:
            return {}
        return {"approval_id": str(self.approval.id), "approved_by": self.approver.actor}


@dataclass(frozen=True)
class Wanted:
    """What an order comes to: how much is given, for which payment, if for one."""

    act: ApprovalAct
    amount: Money
    payment: Payment | None = None


async def standing(
    session: AsyncSession, client: Client, order: Order, act: ApprovalAct, *, at: datetime
) -> Standing[Order] | Done:
    """The order, unless it waits for a second person already, or cannot be approved. Raises NothingHandedIn."""
    if order.approval is not None:
        return await _approved(session, client, order, act, at=at)
    asked = await approval_of_request(session, order.request_id)
    if asked is not None:
        return Done(approval=str(asked.id), facts=await project(session, client), changed=False)
    return Standing(await heard(session, order, about=client.id))


async def _approved(
    session: AsyncSession, client: Client, order: Order, act: ApprovalAct, *, at: datetime
) -> Standing[Order] | Done:
    row = await open_approval(session, client, order.approval, by=order.by, approve=True, at=at)
    if isinstance(row, Done):
        return row
    about = str(row.payment_id) if row.payment_id is not None else None
    if (row.request_id, row.act, about) != (order.request_id, act, getattr(order, "payment_id", None)):
        return Done(refusal=NO_APPROVAL, changed=False)
    said = {field.name: getattr(order, field.name) for field in fields(order)}
    asked: Order = TypeAdapter(type(order)).validate_python({**said, **row.order, "by": _asker(row)})
    return Standing(asked, row, order.by)


async def open_approval(
    session: AsyncSession, client: Client, id: str | None, *, by: Caller, approve: bool, at: datetime
) -> Approval | Done:
    """The approval, if this caller may settle it now. That one has lapsed is noticed here, and closes its task."""
    if not by.is_known:
        return Done(refusal=_NOT_BY_HAND, changed=False)
    row = await session.get(Approval, UUID(id), populate_existing=True)
    if row is None or row.client_id != client.id:
        return Done(refusal=NO_APPROVAL, changed=False)
    await close_lapsed(session, client, at=at)
    status = status_of(settled=row.settled, lapses_at=row.lapses_at, now=at)
    same = (await person_of(session, by)).key == row.person
    refusal = refuse_settling(status, asked_by_same=same, approve=approve)
    return row if refusal is None else Done(refusal=refusal, facts=await project(session, client), changed=False)


def _asker(row: Approval) -> Caller:
    if row.asked_role is Role.THERAPIST:
        return therapist_caller(row.asked_as)
    return Caller(role=row.asked_role, name=row.asked_as)


async def must_wait(
    session: AsyncSession,
    client: Client,
    asked: Standing[Order],
    wanted: Wanted,
    *,
    deps: Dependencies,
    at: datetime,
) -> Done | None:
    """What is answered instead of carrying it out; None: it may be carried out now, and what was asked is settled.

    Ask it last, when nothing else stands in the way.
    """
    order = asked.order
    if asked.approval is not None and asked.approver is not None:
        await settle(session, client, asked.approval, ApprovalStatus.APPROVED, by=asked.approver, at=at)
        return None
    if not await is_above(session, client, order.by, wanted.amount, policy=deps.policy, at=at):
        return None
    if not order.by.is_known:
        return Done(refusal=_NOT_BY_HAND, changed=False)
    if not deps.vouching.holds(order.another or "", asked_about(order, wanted.act)):
        refusal = required(_NOBODY_ELSE, amount=wanted.amount.amount, currency=wanted.amount.currency)
        return Done(refusal=refusal, changed=False)
    await close_lapsed(session, client, at=at)
    row = await _write_down(session, client, order, wanted, at=at)
    return Done(approval=str(row.id), facts=await project(session, client))


async def is_above(
    session: AsyncSession, client: Client, by: Caller, amount: Money, *, policy: JourneyPolicy, at: datetime
) -> bool:
    """Whether this is more than they may give alone. Whoever acts in the engine's UI may be anybody who gave before."""
    ceiling = ceiling_of(policy.second_person_above, role=by.role, currency=amount.currency)
    if ceiling is None:
        return False
    person = await person_of(session, by) if by.is_known else None
    since = at - ADDED_UP_OVER
    alone = await given_alone(session, client.id, person, currency=amount.currency, since=since)
    return needs_second_person(ceiling, amount=amount.amount, alone=alone)


async def refuse_waiver_alone(
    session: AsyncSession, client: Client, by: Caller, fee: Money | None, *, policy: JourneyPolicy, at: datetime
) -> Refusal | None:
    """Of a fee that would be waived with an outcome or a cancellation: those are recorded by themselves, and the waiver
    is asked for on its own."""
    if fee is None or not await is_above(session, client, by, fee, policy=policy, at=at):
        return None
    return required(_WITH_A_MARK, amount=fee.amount, currency=fee.currency)


async def _write_down(session: AsyncSession, client: Client, order: Order, wanted: Wanted, *, at: datetime) -> Approval:
    act, amount, payment = wanted.act, wanted.amount, wanted.payment
    said: dict[str, Any] = to_jsonable_python({field.name: getattr(order, field.name) for field in fields(order)})
    if isinstance(order, RefundOrder):  # of all that is left: what is left now, and no more
        said["amount"] = amount.amount
    row = Approval(
        id=derived_id(order.request_id, "approval"),
        request_id=order.request_id,
        act=act,
        client_id=client.id,
        payment_id=payment.id if payment is not None else None,
        amount=amount.amount,
        currency=amount.currency,
        order={name: value for name, value in said.items() if name not in _SAID_BY_THE_MESSAGE},
        asked_by=order.by.actor,
        asked_role=order.by.role,
        asked_as=order.by.name,
        person=(await person_of(session, order.by)).key,
        asked_at=at,
        lapses_at=at + LAPSES_AFTER,
    )
    session.add(row)
    taken_over(session)
    _tell(session, client, row, FactKind.APPROVAL_ASKED, at=at, by=order.by.actor, words=order.reason)
    what = f"{act.value.replace('_', '-')} of {in_units(amount.amount, amount.currency)} {amount.currency}"
    await _tell_who_may_settle_it(session, row)
    await open_task_once(
        session,
        client,
        key=f"{TaskKind.SECOND_PERSON.value}:{row.id}",
        kind=TaskKind.SECOND_PERSON,
        text=f"A {what} for client {client.ref} waits for a second person.",
        at=at,
        payment_id=row.payment_id,
        approval_id=row.id,
    )
    return row


async def _tell_who_may_settle_it(session: AsyncSession, row: Approval) -> None:
    """By mail, each person once. Programs have no address: they look for themselves."""
    for account in await approvers_of(session, row):
        key, client_id = f"{Mail.SECOND_PERSON_ASKED}:{row.id}:{account.id}", str(row.client_id)
        order = account_mail_order(Mail.SECOND_PERSON_ASKED, key=key, account_id=str(account.id), client_id=client_id)
        await order_practice_mail(session, replace(order, text=str(row.id)), at=row.asked_at)


async def settle(
    session: AsyncSession,
    client: Client,
    row: Approval,
    how: ApprovalStatus,
    *,
    by: Caller,
    at: datetime,
    answer: str | None = None,
) -> None:
    row.settled, row.settled_by, row.settled_at, row.answer = how, by.actor, at, answer
    session.add(row)
    if how is ApprovalStatus.REFUSED:
        _tell(session, client, row, FactKind.APPROVAL_REFUSED, at=at, by=by.actor, words=answer)
    await _close_task(session, client, row.id, at=at, note=f"It was {how.value}.")


async def close_lapsed(session: AsyncSession, client: Client, *, at: datetime) -> None:
    """Nobody has to look after what has lapsed."""
    for id in await lapsed_of(session, client.id, now=at):
        await _close_task(session, client, id, at=at, note="It has lapsed.")


async def _close_task(session: AsyncSession, client: Client, approval_id: UUID, *, at: datetime, note: str) -> None:
    await close_tasks(session, client, about=str(approval_id), kinds=(TaskKind.SECOND_PERSON,), at=at, note=note)


_TEXTS = {
    FactKind.APPROVAL_ASKED: "A second person was asked to approve what one may not decide alone.",
    FactKind.APPROVAL_REFUSED: "What needed a second person was refused.",
}


def _tell(
    session: AsyncSession,
    client: Client,
    row: Approval,
    kind: FactKind,
    *,
    at: datetime,
    by: str,
    words: str | None,
) -> None:
    data = {
        "approval_id": str(row.id),
        "act": row.act.value,
        "amount": row.amount,
        "currency": row.currency,
        "asked_by": row.asked_by,
        **({"payment_id": str(row.payment_id)} if row.payment_id is not None else {}),
    }
    tell(session, client, kind, at=at, by=by, text=_TEXTS[kind], data=data, words=words or None)
