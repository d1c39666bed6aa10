"""Delivering the outbox: all that is due for one deliverer, in one bounded step, each item settled for itself.

The deliverer of an item is the workflow of the appointment that it names, else the client's journey. What cannot be
delivered now stays in the outbox, with the instant of the next try; a mail never overtakes an earlier one about the
same appointment, form or payment.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.archive.archive import ArchiveActivities
from activities.base import Activities, Dependencies
from activities.clients.joining import JoiningActivities
from activities.ending import Stopping, to_a_good_end
from activities.mail.send import SHORTEST, Claimed, about_of, mark_sending, next_try, prepare, put_back, send, tell_end
from activities.money.refunds import RefundActivities
from activities.ports import GatewayRejected, GatewayUnavailable, MailerUnavailable
from activities.types.mail import Delivered, DeliverOrder
from models.reads.journey import journey_facts, project
from models.reads.outbox import next_delivery
from models.tables.booking.appointment import Appointment
from models.tables.clients.client import Client
from models.tables.mail.outbox import UNSETTLED, OutboxItem, OutboxKind, OutboxStatus
from models.writes.care.goals import note_reminders
from models.writes.locks import Id, lock_client
from models.writes.outbox import order_mails

_AT_STRIPE = (OutboxKind.CANCEL_INTENT, OutboxKind.SEND_REFUND)
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

        Raises nothing that a vendor's outage causes: what is left has its next try. A worker that drains, and whoever
        ends the workflow, waits for the one mail or errand that is on its way; the rest is left to the next delivery.
        """
        return await to_a_good_end(lambda stopping: self._deliver(order, stopping))

    async def _deliver(self, order: DeliverOrder, stopping: Stopping) -> Delivered:
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, _whose(order))
            version = client.fact_seq
            await order_mails(session, order.due, at=now, by_appointment=_id(order.appointment_id))
            await note_reminders(session, client.id, order.goals)
            mails, errands = await self._claim(session, client, order, now=now)
        await self._send(client.id, mails, stopping)
        away = False
        for key in errands:
            if stopping:
                break  # they are due still
            activity.heartbeat()
            away = await self._run(client.id, key, stripe_is_away=away)
        async with self.transaction() as session:
            left = select(Client, next_delivery(client.id, _id(order.appointment_id))).where(
                col(Client.id) == client.id
            )
            client, due = (await session.exec(left)).one()
            told = order.appointment_id is None and client.fact_seq != version
            return Delivered(
                deliver_at=due,
                facts=await journey_facts(session, client) if told else None,
            )

    async def _claim(
        self, session: AsyncSession, client: Client, order: DeliverOrder, *, now: datetime
    ) -> tuple[list[Claimed], list[str]]:
        """The mails that are to be sent now, composed, and the keys of the errands, each in the order of making.

        All of the client's rows are looked at, since a mail waits for an earlier one about the same thing even where
        another workflow delivers that one. What has to wait is put off for as long as what it waits for: else it would
        be due, and looked at, all the time.
        """
        unsettled = (
            select(OutboxItem)
            .where(col(OutboxItem.client_id) == client.id, col(OutboxItem.status).in_(UNSETTLED))
            .order_by(col(OutboxItem.seq))
        )
        mails, errands, held, unwritable = list[Claimed](), list[str](), dict[str, datetime](), False
        for row in (await session.exec(unsettled)).all():
            if row.next_try_at is None:
                continue  # put off by an archive: nothing waits for it
            about = about_of(row)
            is_due, waits = row.next_try_at <= now, [held[one] for one in about if one in held]
            if row.appointment_id == _id(order.appointment_id) and is_due:
                if waits:
                    row.next_try_at = max(waits)
                elif len(mails) + len(errands) >= _AT_ONCE:
                    pass  # still due: the next step begins at once
                elif row.kind is not OutboxKind.MAIL:
                    errands.append(row.key)
                    continue
                elif (mail := await prepare(session, client, row, deps=self.deps, now=now)) is not None:
                    row.tries += 1  # it is ours for as long as nobody claims it after us
                    if not mails:
                        mark_sending(row, at=now)
                    mails.append(Claimed(mail, row.tries))
                    continue
                elif row.status not in UNSETTLED:
                    unwritable |= row.status is OutboxStatus.UNWRITABLE
                    continue
            for one in about:
                held[one] = max(held.get(one, now), row.next_try_at, now + SHORTEST)
        if unwritable:
            await project(session, client)
        return mails, errands

    async def _send(self, client_id: UUID, mails: list[Claimed], stopping: Stopping) -> None:
        """One after the other. How one ended is recorded together with that the next is on its way: whoever kills this
        leaves one mail in doubt, and no more. Whoever comes after a delivery that was given up, but still runs, claims
        what it has not sent; it then leaves that alone."""
        status, said = OutboxStatus.SENT, None
        for number, claimed in enumerate(mails):
            if stopping:
                await self._leave(client_id, mails[number:])
                return
            activity.heartbeat()
            away: MailerUnavailable | None = None
            try:
                status, said = await send(claimed.mail, deps=self.deps)
            except MailerUnavailable as unavailable:
                away = unavailable
            rest, now = mails[number + 1 :], await self.now()
            async with self.transaction() as session:
                client = await lock_client(session, client_id)
                if away is not None:
                    for one, why in ((claimed, away), *((other, None) for other in rest)):
                        if (row := await one.row(session)) is not None:
                            put_back(session, client, row, why, at=now)
                    return
                if (row := await claimed.ended(session, status, said, at=now)) is not None:
                    await tell_end(session, client, row, at=now)
                    if status is OutboxStatus.UNDELIVERABLE:
                        await project(session, client)
                if rest and await rest[0].sending(session, at=now) is None:
                    return

    async def _leave(self, client_id: UUID, mails: list[Claimed]) -> None:
        """To the next delivery, at once: none of these was sent."""
        now = await self.now()
        async with self.transaction() as session:
            await lock_client(session, client_id)
            for row in [await one.row(session) for one in mails]:
                if row is not None:
                    row.status, row.next_try_at = OutboxStatus.WAITING, now

    async def _run(self, client_id: UUID, key: str, *, stripe_is_away: bool) -> bool:
        """Run one errand, unless it is for Stripe, which was away a moment ago. Answers whether Stripe is away."""
        async with self.transaction() as session:
            row = await session.get_one(OutboxItem, key)
        status = OutboxStatus.DONE
        try:
            if stripe_is_away and row.kind in _AT_STRIPE:
                status = OutboxStatus.WAITING
            else:
                await ERRANDS[row.kind](self.deps, client_id, row.order["about"], row.tries)
        except GatewayUnavailable:
            status, stripe_is_away = OutboxStatus.WAITING, True
        except GatewayRejected as rejected:
            # Refused today is refused tomorrow; the comparison with Stripe finds what was left undone.
            activity.logger.error("an errand was refused: %s", rejected)
            status = OutboxStatus.UNDELIVERABLE
        except DBAPIError:
            raise
        except Exception:  # noqa: BLE001 - a fault of ours: it stays, and what comes after it does not wait for it
            activity.logger.exception("an errand failed")
            status = OutboxStatus.WAITING
        now = await self.now()
        async with self.transaction() as session:
            row = await session.get_one(OutboxItem, key)
            row.status = status
            if status is OutboxStatus.WAITING:
                row.tries += 1
                row.next_try_at = next_try(row.tries, now=now)
        return stripe_is_away


def _whose(order: DeliverOrder) -> Id:
    """The client: of an appointment, whoever has it by now. Its record may have been joined into another."""
    if order.appointment_id is None:
        return UUID(order.client_id)
    return select(Appointment.client_id).where(col(Appointment.id) == UUID(order.appointment_id)).scalar_subquery()


def _id(said: str | None) -> UUID | None:
    return UUID(said) if said is not None else None
