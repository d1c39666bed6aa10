"""Delivering the outbox: all that is due for one deliverer, in one bounded step, each item settled for itself.

The deliverer of an item is the workflow of the appointment that it names, else the client's journey. What cannot be
delivered now stays in the outbox, with the instant of the next try; a mail never overtakes an earlier one about the
same appointment, form or payment.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.archive.archive import ArchiveActivities
from activities.base import Activities, Dependencies
from activities.clients.joining import JoiningActivities
from activities.mail.send import next_try, order_of, prepare, put_back, send, settle
from activities.money.refunds import RefundActivities
from activities.ports import GatewayRejected, GatewayUnavailable, MailerUnavailable, OutgoingMail
from activities.types.mail import Delivered, DeliverOrder
from models.reads.journey import journey_facts, project
from models.reads.outbox import belongs_to, deliver_at
from models.tables.clients.client import Client
from models.tables.mail.outbox import UNSETTLED, OutboxItem, OutboxKind, OutboxStatus
from models.writes.care.goals import note_reminders
from models.writes.locks import lock_client
from models.writes.outbox import order_mails

_AT_ONCE = 20  # items of one step: it is to end in seconds
Errand = Callable[[Dependencies, UUID, str, int], Awaitable[object]]

ERRANDS: Mapping[OutboxKind, Errand] = {
    OutboxKind.LOOK_FOR_DOUBLE: lambda deps, client_id, _, __: JoiningActivities(deps).notice_double(str(client_id)),
    OutboxKind.CANCEL_INTENT: lambda deps, client_id, intent, tries: ArchiveActivities(deps).cancel_intent(
        str(client_id), intent, tries=tries
    ),
    OutboxKind.SEND_REFUND: lambda deps, _, refund_id, __: RefundActivities(deps).send_refund(refund_id),
}
"""What each kind of errand does with the client and with what it is about, after so many tries in vain. Each is safe
to run twice."""


class DeliveryActivities(Activities):
    @activity.defn
    async def deliver(self, order: DeliverOrder) -> Delivered:
        """Deliver all that is due. ``order.due`` are reminders whose time has come: their rows are their marks.

        Raises nothing that a vendor's outage causes: what is left has its next try.
        """
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            version = client.fact_seq
            await order_mails(session, order.due, at=now, by_appointment=_id(order.appointment_id))
            await note_reminders(session, client.id, order.goals)
            mails, errands = await self._claim(session, client, order, now=now)
        await self._send(client.id, mails)
        for key in errands:
            activity.heartbeat()
            await self._run(client.id, key)
        async with self.transaction() as session:
            client = await session.get_one(Client, client.id)
            told = order.appointment_id is None and client.fact_seq != version
            return Delivered(
                deliver_at=await deliver_at(session, client.id, _id(order.appointment_id)),
                facts=await journey_facts(session, client) if told else None,
            )

    async def _claim(
        self, session: AsyncSession, client: Client, order: DeliverOrder, *, now: datetime
    ) -> tuple[list[OutgoingMail], list[str]]:
        """The mails that are to be sent now, composed, and the keys of the errands, each in the order of making."""
        unsettled = (
            select(OutboxItem)
            .where(belongs_to(client.id, _id(order.appointment_id)), col(OutboxItem.status).in_(UNSETTLED))
            .order_by(col(OutboxItem.seq))
        )
        mails, errands, held = list[OutgoingMail](), list[str](), set[str]()
        for row in (await session.exec(unsettled)).all():
            about = order_of(row).about if row.kind is OutboxKind.MAIL else frozenset[str]()
            is_due = row.next_try_at is not None and row.next_try_at <= now
            if not is_due or about & held or len(mails) + len(errands) >= _AT_ONCE:
                held |= about
            elif row.kind is not OutboxKind.MAIL:
                errands.append(row.key)
            elif (mail := await prepare(session, client, row, deps=self.deps, now=now)) is not None:
                row.status = OutboxStatus.CLAIMED if mails else OutboxStatus.SENDING
                mails.append(mail)
        if any(row.status is OutboxStatus.UNWRITABLE for row in session.dirty if isinstance(row, OutboxItem)):
            await project(session, client)
        return mails, errands

    async def _send(self, client_id: UUID, mails: list[OutgoingMail]) -> None:
        """One after the other. How one ended is recorded together with that the next is on its way: whoever kills this
        leaves one mail in doubt, and no more."""
        away: MailerUnavailable | None = None
        status, said = OutboxStatus.SENT, None
        for number, mail in enumerate(mails):
            try:
                status, said = await send(mail, deps=self.deps)
            except MailerUnavailable as unavailable:
                away = unavailable
            activity.heartbeat()
            rest = mails[number + 1 :]
            now = await self.now()
            async with self.transaction() as session:
                client = await lock_client(session, client_id)
                row = await session.get_one(OutboxItem, mail.key)
                if away is None:
                    await settle(session, client, row, status, said, at=now)
                    if status is OutboxStatus.UNDELIVERABLE:
                        await project(session, client)
                    if rest:
                        (await session.get_one(OutboxItem, rest[0].key)).status = OutboxStatus.SENDING
                    continue
                put_back(session, client, row, away, at=now)
                for other in rest:
                    put_back(session, client, await session.get_one(OutboxItem, other.key), None, at=now)
                return

    async def _run(self, client_id: UUID, key: str) -> None:
        async with self.transaction() as session:
            row = await session.get_one(OutboxItem, key)
        kind, status = row.kind, OutboxStatus.DONE
        try:
            await ERRANDS[kind](self.deps, client_id, row.order["about"], row.tries)
        except GatewayUnavailable:
            status = OutboxStatus.WAITING
        except GatewayRejected as rejected:
            # Refused today is refused tomorrow; the comparison with Stripe finds what was left undone.
            activity.logger.error("an errand was refused: %s", rejected)
            status = OutboxStatus.UNDELIVERABLE
        now = await self.now()
        async with self.transaction() as session:
            row = await session.get_one(OutboxItem, key)
            row.status = status
            if status is OutboxStatus.WAITING:
                row.tries += 1
                row.next_try_at = next_try(row.tries, now=now)


def _id(said: str | None) -> UUID | None:
    return UUID(said) if said is not None else None
