"""Delivering the outbox: all that is due for one deliverer, in one bounded step, each item settled for itself.

The deliverer of an item is the workflow of the appointment that it names, else the client's journey. What cannot be
delivered now stays in the outbox, with the instant of the next try; a mail never overtakes an earlier one about the
same appointment, form or payment.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.archive.archive import ArchiveActivities
from activities.base import Activities, Dependencies
from activities.clients.joining import notice_double
from activities.ending import Stopping, to_a_good_end
from activities.mail.about import ReadAhead, read_ahead
from activities.mail.send import (
    SHORTEST,
    Claimed,
    about_of,
    answered_by,
    mark_sending,
    next_try,
    order_of,
    prepare,
    put_back,
    send,
    tell_end,
)
from activities.money.refunds import RefundActivities
from activities.ports import GatewayRejected, GatewayUnavailable, MailerUnavailable
from activities.types.mail import Delivered, DeliverOrder
from models.reads.journey import journey_facts, project
from models.reads.outbox import deliver_at
from models.tables.booking.appointment import Appointment
from models.tables.clients.client import Client
from models.tables.mail.outbox import UNSETTLED, OutboxItem, OutboxKind, OutboxStatus
from models.writes.care.goals import note_reminders
from models.writes.locks import Id, lock_client
from models.writes.mail.deliveries import ItemClaim, end_errand, hand_on, is_sending, rows_of, settle, write_together
from models.writes.outbox import order_mails
from rules.mail.orders import MailOrder

_AT_STRIPE = (OutboxKind.CANCEL_INTENT, OutboxKind.SEND_REFUND)
_AT_ONCE = 20  # items of one step: it is to end in seconds
Runs = Callable[[Dependencies, UUID, str, int], Awaitable[object]]

ERRANDS: Mapping[OutboxKind, Runs] = {
    OutboxKind.CANCEL_INTENT: lambda deps, client_id, intent, tries: ArchiveActivities(deps).cancel_intent(
        str(client_id), intent, tries=tries
    ),
    OutboxKind.SEND_REFUND: lambda deps, _, refund_id, __: RefundActivities(deps).send_refund(refund_id),
}
"""What each kind of errand at a vendor does with the client and with what it is about, after so many tries in vain.
Each is safe to run twice."""


@dataclass(frozen=True)
class Errand:
    """An errand that is due, as its row says."""

    key: str
    kind: OutboxKind
    order: dict[str, Any]
    tries: int


@dataclass
class Work:
    """What one delivery does. ``mails`` are those that it has claimed and not sent yet, ``away`` why the first of them
    cannot be. ``sent`` and ``refused`` are not told of yet; ``message_id`` is the mail service's of the last that was
    sent. ``told`` counts the facts that tell what became of mails, and nothing else."""

    mails: list[Claimed] = field(default_factory=list)
    errands: list[Errand] = field(default_factory=list)
    sent: list[ItemClaim] = field(default_factory=list)
    message_id: str | None = None
    refused: ItemClaim | None = None
    away: MailerUnavailable | None = None
    told: int = 0


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
            known = client.fact_seq
            await order_mails(session, order.due, at=now, by_appointment=_id(order.appointment_id))
            await note_reminders(session, client.id, order.goals)
            work = await self._claim(session, client, order, now=now)
            if not work.mails and not work.errands:
                return await _delivered(session, client, order, known=known + work.told)
        await self._send(client.id, work, stopping)
        errand, status = await self._run_all(client.id, work.errands, stopping)
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, client.id)
            await self._record(session, client, work, now=now)
            if errand is not None:
                await _end(session, errand, status, now=now)
            return await _delivered(session, client, order, known=known + work.told)

    async def _claim(self, session: AsyncSession, client: Client, order: DeliverOrder, *, now: datetime) -> Work:
        """The mails that are to be sent now, composed, and the errands, each in the order of making.

        All of the client's rows are looked at, since a mail waits for an earlier one about the same thing even where
        another workflow delivers that one. What has to wait is put off for as long as what it waits for: else it would
        be due, and looked at, all the time.
        """
        work = Work()
        rows = await self._unsettled(session, client, work, now=now)
        due = {row.key for row in rows if _is_due(row, order, now=now)}
        doubles = any(row.key in due and row.kind is OutboxKind.LOOK_FOR_DOUBLE for row in rows)
        practice = self.deps.practice
        ahead = await read_ahead(session, client, _orders(rows, due), practice=practice, with_owner=doubles)
        held = dict[str, datetime]()
        for row in rows:
            if row.next_try_at is None:
                continue  # put off by an archive: nothing waits for it
            about = about_of(row)
            waits = [held[one] for one in about if one in held]
            if row.key in due and waits:
                row.next_try_at = max(waits)
            elif row.key in due and await self._take(session, client, row, work, ahead, now=now):
                continue
            for one in about:
                held[one] = max(held.get(one, now), row.next_try_at, now + SHORTEST)
        if any(row.status is OutboxStatus.UNWRITABLE for row in rows):
            await project(session, client)
        write_together(row for row in rows if session.is_modified(row))
        return work

    async def _take(
        self, session: AsyncSession, client: Client, row: OutboxItem, work: Work, ahead: ReadAhead, *, now: datetime
    ) -> bool:
        """Claim what is due. False where it still is to be waited for: it is put off, or due for the next step, which
        begins at once."""
        if len(work.mails) + len(work.errands) >= _AT_ONCE:
            return False
        if row.kind is OutboxKind.LOOK_FOR_DOUBLE:
            await _look_for_double(session, client, row, ahead.owner, now=now)
        elif row.kind is not OutboxKind.MAIL:
            work.errands.append(Errand(row.key, row.kind, row.order, row.tries))
        elif (mail := await prepare(session, client, row, deps=self.deps, now=now, ahead=ahead)) is not None:
            row.tries += 1  # it is ours for as long as nobody claims it after us
            if not work.mails:
                mark_sending(row, at=now)
            work.mails.append(Claimed(mail, row.tries))
        else:
            work.told += row.status is OutboxStatus.UNCERTAIN
            return row.status not in UNSETTLED
        return True

    async def _unsettled(self, session: AsyncSession, client: Client, work: Work, *, now: datetime) -> list[OutboxItem]:
        """The client's rows that something is still to become of. What a delivery has sent that did not come to tell
        of it is told of."""
        unsettled = (
            select(OutboxItem)
            .where(col(OutboxItem.client_id) == client.id, col(OutboxItem.status).in_(UNSETTLED))
            .order_by(col(OutboxItem.seq))
        )
        left = []
        for row in (await session.exec(unsettled)).all():
            if row.went_out:
                row.status = OutboxStatus.SENT
                await tell_end(session, client, row, at=now)
                work.told += 1
            else:
                left.append(row)
        return left

    async def _send(self, client_id: UUID, work: Work, stopping: Stopping) -> None:
        """One after the other. That one was sent is recorded together with that the next is on its way: whoever kills
        this leaves one mail in doubt, and no more. Whoever comes after a delivery that was given up, but still runs,
        claims what it has not sent; it then leaves that alone."""
        while work.mails and not stopping:
            activity.heartbeat()
            try:
                status, message_id = await send(work.mails[0].mail, deps=self.deps)
            except MailerUnavailable as unavailable:
                work.away = unavailable
                return
            one = work.mails.pop(0).claim
            if status is OutboxStatus.SENT:
                work.sent.append(one)
                work.message_id = message_id
            else:
                work.refused = one
            then = work.mails[0].claim if work.mails and not stopping else None
            if then is None and not work.errands:
                return  # it is recorded at the end
            if not await self._go_on(client_id, work, one, then) and then is not None:
                work.mails.clear()

    async def _go_on(self, client_id: UUID, work: Work, one: ItemClaim, then: ItemClaim | None) -> bool:
        """Record how ``one`` ended, and that ``then`` is on its way. False where somebody else has that one by now."""
        now = await self.now()
        async with self.transaction() as session:
            if work.refused is None:
                by, said = answered_by(now), work.message_id
                return await hand_on(session, client_id, one, said, then=then, at=now, answered_by=by)
            client = await lock_client(session, client_id)
            await self._record_ended(session, client, work, now=now)
            return then is not None and await is_sending(session, then, answered_by=answered_by(now))

    async def _record(self, session: AsyncSession, client: Client, work: Work, *, now: datetime) -> None:
        """What has become of all mails. The client is locked."""
        await self._record_ended(session, client, work, now=now)
        for number, row in enumerate(await rows_of(session, [one.claim for one in work.mails])):
            if work.away is None:
                row.status, row.next_try_at = OutboxStatus.WAITING, now  # to the next delivery, at once
            else:
                put_back(session, client, row, work.away if number == 0 else None, at=now)
                work.told += row.status is OutboxStatus.UNCERTAIN

    async def _record_ended(self, session: AsyncSession, client: Client, work: Work, *, now: datetime) -> None:
        """Of those that were sent, and of one that was refused."""
        if work.sent:
            sent = await settle(session, work.sent, OutboxStatus.SENT, message_id=work.message_id, at=now)
            for row in sent:
                await tell_end(session, client, row, at=now)
            work.told += len(sent)
        if work.refused is not None:
            refused = await settle(session, [work.refused], OutboxStatus.UNDELIVERABLE, message_id=None, at=now)
            for row in refused:
                await tell_end(session, client, row, at=now)
                await project(session, client)
        work.sent, work.refused = [], None

    async def _run_all(
        self, client_id: UUID, errands: list[Errand], stopping: Stopping
    ) -> tuple[Errand | None, OutboxStatus]:
        """One after the other, and how the last one ended that was run, which is recorded at the end. That one has
        ended is recorded before the next begins."""
        last, status, away = None, OutboxStatus.WAITING, False
        for errand in errands:
            if stopping:
                break  # they are due still
            activity.heartbeat()
            if last is not None:
                async with self.transaction() as session:
                    await _end(session, last, status, now=await self.now())
            last = errand
            status, away = await self._run(client_id, errand, stripe_is_away=away)
        return last, status

    async def _run(self, client_id: UUID, errand: Errand, *, stripe_is_away: bool) -> tuple[OutboxStatus, bool]:
        """Run one errand, unless it is for Stripe, which was away a moment ago. Answers how it ended, and whether
        Stripe is away."""
        if stripe_is_away and errand.kind in _AT_STRIPE:
            return OutboxStatus.WAITING, True
        try:
            await ERRANDS[errand.kind](self.deps, client_id, errand.order["about"], errand.tries)
        except GatewayUnavailable:
            return OutboxStatus.WAITING, True
        except GatewayRejected as rejected:
            # Refused today is refused tomorrow; the comparison with Stripe finds what was left undone.
            activity.logger.error("an errand was refused: %s", rejected)
            return OutboxStatus.UNDELIVERABLE, stripe_is_away
        except DBAPIError:
            raise
        except Exception:  # noqa: BLE001 - a fault of ours: it stays, and what comes after it does not wait for it
            activity.logger.exception("an errand failed")
            return OutboxStatus.WAITING, stripe_is_away
        return OutboxStatus.DONE, stripe_is_away


async def _delivered(session: AsyncSession, client: Client, order: DeliverOrder, *, known: int) -> Delivered:
    """What its workflow is told. That mails were sent changes nothing for a journey: it gets its facts where more was
    told than what is ``known``."""
    if order.appointment_id is None and client.fact_seq != known:
        facts = await journey_facts(session, client)
        return Delivered(deliver_at=facts.deliver_at, facts=facts, version=client.fact_seq)
    await session.flush()
    due = await deliver_at(session, client.id, _id(order.appointment_id))
    return Delivered(deliver_at=due, version=client.fact_seq)


async def _look_for_double(
    session: AsyncSession, client: Client, row: OutboxItem, owner: Client | None, *, now: datetime
) -> None:
    """The one errand that asks nobody but this database: it is done at once. ``owner``: who else has the address."""
    try:
        await notice_double(session, client, owner, at=now)
        row.status = OutboxStatus.DONE
    except DBAPIError:
        raise
    except Exception:  # noqa: BLE001 - a fault of ours: it stays, and what comes after it does not wait for it
        activity.logger.exception("an errand failed")
        row.tries, row.next_try_at = row.tries + 1, next_try(row.tries + 1, now=now)


async def _end(session: AsyncSession, errand: Errand, status: OutboxStatus, *, now: datetime) -> None:
    tries = errand.tries + (status is OutboxStatus.WAITING)
    at = next_try(tries, now=now) if status is OutboxStatus.WAITING else now
    await end_errand(session, errand.key, status, tries=tries, next_try_at=at)


def _is_due(row: OutboxItem, order: DeliverOrder, *, now: datetime) -> bool:
    ours = row.appointment_id == _id(order.appointment_id)
    return ours and row.next_try_at is not None and row.next_try_at <= now


def _orders(rows: Iterable[OutboxItem], keys: Collection[str]) -> list[MailOrder]:
    """Of mails, those that can be read."""
    orders = []
    for row in rows:
        if row.kind is OutboxKind.MAIL and row.key in keys:
            with suppress(ValueError):
                orders.append(order_of(row))
    return orders


def _whose(order: DeliverOrder) -> Id:
    """The client: of an appointment, whoever has it by now. Its record may have been joined into another."""
    if order.appointment_id is None:
        return UUID(order.client_id)
    return select(Appointment.client_id).where(col(Appointment.id) == UUID(order.appointment_id)).scalar_subquery()


def _id(said: str | None) -> UUID | None:
    return UUID(said) if said is not None else None
