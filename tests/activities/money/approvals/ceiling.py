"""A practice with a ceiling: what is asked for above it, and who approves or refuses it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from sqlmodel import col, select

from activities.base import Activities
from activities.money.approval.refused import ApprovalActivities
from activities.types.clients import Done
from activities.types.money import ApprovalRefusal
from models.tables.money.approval import Approval
from rules.accounts.caller import Caller
from rules.enums import ApprovalAct, RefundTo, Role
from rules.money.second_person import asked_about
from rules.policy import Ceiling, JourneyPolicy
from tests.care.client_money import ClientMoney
from tests.care.practice import FEE, Practice

ALONE = FEE - 1  # what one person may give away alone
MARIA = Caller(role=Role.CARE_TEAM, name="maria")
IVO = Caller(role=Role.CARE_TEAM, name="ivo")
Order = Any  # of credit, of a refund, or of what is let go


@dataclass
class Ceilinged:
    """``settling`` refuses; each act is carried out by the step that was asked for it."""

    practice: Practice
    money: ClientMoney
    settling: ApprovalActivities

    @classmethod
    def of(cls, practice: Practice, money: ClientMoney) -> Ceilinged:
        ceilings = tuple(Ceiling(role=role, currency="USD", amount=ALONE) for role in Role if role.is_practice)
        groups: list[Activities] = [one for one in vars(practice).values() if isinstance(one, Activities)]
        for group in groups:
            group.deps = replace(group.deps, policy=JourneyPolicy(second_person_above=ceilings))
        return cls(practice, money, ApprovalActivities(groups[0].deps))

    def step(self, act: ApprovalAct) -> Callable[[Any], Awaitable[Done]]:
        steps: dict[ApprovalAct, Callable[[Any], Awaitable[Done]]] = {
            ApprovalAct.CREDIT: self.practice.credits.grant_credit,
            ApprovalAct.REFUND: self.practice.refunds.begin_refund,
            ApprovalAct.WAIVE: self.practice.waivers.waive_payment,
            ApprovalAct.WRITE_OFF: self.practice.waivers.write_off_payment,
        }
        return steps[act]

    async def order(self, act: ApprovalAct, *, by: Caller = MARIA, amount: int | None = None, week: int = 0) -> Order:
        """Of the whole fee of a session of its own, or of an amount: of another person's, who is there."""
        if act is ApprovalAct.CREDIT:
            order: Order = self.money.grant_order(amount or FEE)
        elif act is ApprovalAct.REFUND:
            order = self.money.refund_order(await self.money.pays_a_fee(weeks=week), amount, to=RefundTo.CREDIT)
        else:
            payment = await self.money.owes_a_fee(weeks=week)
            if act is ApprovalAct.WRITE_OFF:
                await self.practice.bank_says(self.money.client, "stolen_card")
                await self.practice.attempt(payment)
                self.practice.clock.instant = (await self.practice.payment(payment)).deadline
                await self.practice.money.owe_payment(payment)
            order = self.money.let_go_order(payment)
        return self.by(order, act, by)

    def by(self, order: Order, act: ApprovalAct, by: Caller) -> Order:
        """By somebody beside whom there is another one, as the API says."""
        order = replace(order, by=by)
        return replace(order, another=self.settling.deps.vouching.sign(asked_about(order, act)))

    async def asked(self, order: Order, act: ApprovalAct) -> Approval:
        """It waits."""
        done = await self.step(act)(order)
        assert done.refusal is None, done.refusal
        assert done.approval is not None
        return await self.approval(done.approval)

    async def approves(self, order: Order, act: ApprovalAct, *, by: Caller = IVO) -> Done:
        """As the API does: the order that was asked for, without the words, by whoever approves it."""
        id = str((await self.of_request(order)).id)
        return await self.step(act)(replace(order, by=by, approval=id, reason="", another=None))

    async def refuses(self, order: Order, *, by: Caller = IVO, reason: str | None = "too much") -> Done:
        asked = ApprovalRefusal(
            request_id=str(uuid4()),
            client_id=self.money.client,
            by=by,
            approval_id=str((await self.of_request(order)).id),
            reason=reason,
        )
        return await self.settling.refuse_approval(asked)

    async def approval(self, id: str) -> Approval:
        async with self.practice.sessions() as session:
            return await session.get_one(Approval, UUID(id))

    async def of_request(self, order: Order) -> Approval:
        async with self.practice.sessions() as session:
            found = select(Approval).where(col(Approval.request_id) == order.request_id)
            return (await session.exec(found)).one()

    async def given(self) -> int:
        """All that was given away, in whichever way."""
        payments = await self.money.payments_let_go()
        credits = [credit.amount for credit in await self.money.credits()]
        return sum(credits) + sum(payments)
