"""Archiving and its undoing: one transaction that compares and sets, by the rule that the preview uses too."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import union
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.answers import AnsweredOnce
from activities.archive.restore import NOTHING_RESTORED, archive_change, restore
from activities.base import looks_again
from activities.booking.changes import cancel_rows
from activities.booking.telling import cancellation_mails
from activities.booking.waitlist_places import end_places
from activities.forms.asking import ask_again
from activities.money.credits import give_back
from activities.money.payments import move
from activities.money.reconciliation.unexpected_charge import UnexpectedChargeActivities
from activities.ports import GatewayRejected
from activities.reactivation import make_active
from activities.snapshots import facts_of_appointments
from activities.types.archive import Archived, ArchiveOrder, Unarchived, UnarchiveOrder
from activities.types.clients import CloseOrder, Done
from activities.types.money import Settled
from activities.words import heard
from models.reads.archive.situation import archive_look, held_by, holds_of
from models.reads.booking.waitlist import lines_of, lines_of_client
from models.reads.clients.step_answers import ARCHIVE_CLIENT, UNARCHIVE_CLIENT
from models.reads.journey import journey_facts, project
from models.tables.archive.bulk_archive import BulkArchiveRecord
from models.tables.booking.appointment import Appointment
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.therapist import Therapist
from models.tables.booking.waitlist import WaitlistPlace
from models.tables.care.chat import ChatMember
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.mail.outbox import OutboxKind
from models.tables.money.payment import Payment
from models.writes.events.publish import publish_task
from models.writes.locks import lock_client, lock_payments, lock_therapists
from models.writes.outbox import client_mail, order_errands, order_mails, put_off_mails
from models.writes.timeline import tell
from rules.accounts.caller import SYSTEM
from rules.archive.bulk import request_id_of
from rules.archive.plan import ArchivePlan, plan_archive
from rules.enums import AppointmentStatus, ClientStatus, FormStatus, LeftBecause, PlaceEnd
from rules.events.kinds import EventKind
from rules.mail.kinds import Mail, to_both_sides
from rules.money.payment_states import LET_GO, Because, PaymentEvent
from rules.timeline import FactKind

ARCHIVED = AnsweredOnce(ARCHIVE_CLIENT, Archived)
UNARCHIVED = AnsweredOnce(UNARCHIVE_CLIENT, Unarchived)


async def _heard(session: AsyncSession, order: ArchiveOrder) -> ArchiveOrder:
    """With its reason: handed in, or that of the archive of many that it is a part of."""
    if order.of_many is None or order.request_id != request_id_of(order.of_many, order.client_id):
        return await heard(session, order, about=UUID(order.client_id))
    many = await session.get(BulkArchiveRecord, UUID(order.of_many))
    return replace(order, reason=many.reason if many is not None else None)


class ArchiveActivities(UnexpectedChargeActivities):
    @activity.defn
    async def archive_client(self, order: ArchiveOrder) -> Archived:
        """Archive a client: everything ahead stops, nothing is deleted. Archiving twice is one archive."""
        now = await self.now()
        async with self.transaction() as session:
            therapists = await _lock_therapists(session, UUID(order.client_id))
            client = await lock_client(session, UUID(order.client_id))
            given = await ARCHIVED.given(session, client, order)
            if given is not None and (client.archive_record or {}).get("request_id") == order.request_id:
                return given
            if given is not None or client.status is ClientStatus.ARCHIVED:
                # An echo of an archive that is over must not undo its end, nor be taken for the one that lasts.
                return Archived(facts=await journey_facts(session, client), changed=False)
            order = await _heard(session, order)
            found = await archive_look(session, client, policy=self.deps.policy, now=now)
            plan = plan_archive(found.situation, now=now, notify=order.notify)
            await cancel_rows(
                session,
                [found.appointments[line.id] for line in plan.appointments],
                by=order.by,
                at=now,
                reason=None,
                request_id=archive_change(client.id, order.request_id),
                status=AppointmentStatus.CANCELLED,
                and_free=held_by(client.id),
            )
            ended = set[UUID]()
            if plan.waitlist:
                ended = await end_places(session, client, because=PlaceEnd.ARCHIVED, at=now, by=order.by)
            intents: list[str] = []
            for payment in await lock_payments(session, [UUID(line.id) for line in plan.payments]):
                move(payment, PaymentEvent.STOPPED, because=Because.ARCHIVED, at=now)
                if payment.credit_used:
                    await give_back(session, payment, at=now)
                if payment.intent is not None:
                    intents.append(payment.intent)
            for form in found.forms:
                form.status = FormStatus.SUSPENDED
                session.add(form)
            await order_errands(session, client.id, OutboxKind.CANCEL_INTENT, intents, reason=order.request_id, at=now)
            if found.mails_wait:
                await put_off_mails(session, client.id)
            if order.notify:
                told = [mail for line in plan.appointments for mail in cancellation_mails(client, line.id)]
                await order_mails(session, told, at=now)
            await _leave_chats(session, client, plan, at=now)
            await _close_tasks(session, plan, by=order.by, at=now)
            record = {
                **plan.to_document(),
                "archived_at": now.isoformat(),
                "by": order.by,
                "request_id": order.request_id,
                "notify": order.notify,
            }
            client.status, client.archived_at = ClientStatus.ARCHIVED, now
            client.archive_record = {**record, "reason": order.reason}
            tell(
                session,
                client,
                FactKind.ARCHIVED,
                at=now,
                by=order.by,
                text="The client was archived.",
                data=record,
                words=order.reason,
            )
            archived = Archived(
                facts=await project(session, client),
                changed=True,
                appointments=await facts_of_appointments(session, client, _touched(plan)),
                lines=await lines_of(session, freed={therapist.id for therapist in therapists}, ended=ended),
            )
            return ARCHIVED.keep(session, client, order, archived, at=now)

    @activity.defn
    @looks_again
    async def unarchive_client(self, order: UnarchiveOrder) -> Unarchived:
        """Make a client active again. What was cancelled stays cancelled, unless it is asked to be restored.

        Asked again with the same request id, the answer is what was done then; also if the client was archived since,
        which an echo does not undo.
        """
        now = await self.now()
        async with self.transaction() as session:
            if order.restore:
                await _lock_therapists(session, UUID(order.client_id))
            client = await lock_client(session, UUID(order.client_id))
            given = await UNARCHIVED.given(session, client, order)
            if given is not None and client.status is ClientStatus.ACTIVE:
                return given
            if given is not None or client.status is ClientStatus.ACTIVE:
                return Unarchived(facts=await journey_facts(session, client), changed=False)
            if order.restore:
                back = await restore(session, client, order, public_url=self.deps.links.public_url, at=now)
            else:
                back = NOTHING_RESTORED
                await make_active(session, client, by=order.by, at=now, request_id=order.request_id)
            await ask_again(session, client, at=now, grace=self.deps.policy.form_grace)
            mails = [
                client_mail(mail, client, f"{order.request_id}:{ids[0]}", appointment_ids=ids)
                for ids in back.booked
                for mail in to_both_sides(Mail.BOOKING_CONFIRMATION)
            ]
            await order_mails(session, mails, at=now)
            facts = await project(session, client)
            new = {UUID(id) for ids in back.booked for id in ids}
            told = [UUID(open.id) for open in facts.open_appointments if UUID(open.id) not in new]
            unarchived = Unarchived(
                facts=facts,
                changed=True,
                appointments=await facts_of_appointments(session, client, told),
                restored=await facts_of_appointments(session, client, new),
                paying=await facts_of_appointments(session, client, back.paying),
                lines=await lines_of_client(session, client),
            )
            return UNARCHIVED.keep(session, client, order, unarchived, at=now)

    async def cancel_intent(self, client_id: str, intent: str, *, tries: int = 0) -> Settled | None:
        """Cancel the open PaymentIntent of a cancelled payment at Stripe, so that no old link still pays.

        Not if that payment was restored meanwhile: it is this intent which pays it then. If the client was faster, a
        person is asked, and the answer says so; what only an archive stopped is recorded as paid by Stripe's report,
        or by reconciliation.
        """
        now = await self.now()
        async with self.transaction() as session:
            client = await session.get_one(Client, UUID(client_id))
            payment = (await session.exec(select(Payment).where(col(Payment.intent) == intent))).first()
        if payment is not None and payment.status not in LET_GO:
            return None
        # A key for each try: Stripe would replay a stored failure, and cancelling twice cancels once.
        try:
            after = await self.gateway_for(client).cancel_intent(intent=intent, key=f"cancel:{intent}:{tries}")
        except GatewayRejected as rejected:
            if rejected.code != "resource_missing":  # what Stripe does not know cannot be paid
                raise
            return None
        if payment is None or after.status != "succeeded":
            return None
        return await self.report_unexpected_charge(payment.id, intent, at=now)

    @activity.defn
    async def close_anonymous_journey(self, order: CloseOrder) -> Done:
        """Close a journey that nobody booked from and nobody gave a name to. Not if somebody has meanwhile."""
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            facts = await journey_facts(session, client)
            still_nobody = facts.anonymous and facts.first_booked_at is None
            if still_nobody and client.closed_at is None:
                client.closed_at = now
                for task in await session.exec(
                    select(Task).where(col(Task.client_id) == client.id, col(Task.resolved_at).is_(None))
                ):
                    task.resolved_at, task.resolved_by = now, SYSTEM
                    task.note = "Nobody gave a name or booked, and the journey was closed."
                    session.add(task)
                    publish_task(session, EventKind.TASK_RESOLVED, task.id, task.kind, client=client, at=now)
                tell(
                    session,
                    client,
                    FactKind.JOURNEY_CLOSED,
                    at=now,
                    by=SYSTEM,
                    text="Nobody gave a name or booked; the journey was closed.",
                )
            return Done(facts=await project(session, client), changed=still_nobody)


def _touched(plan: ArchivePlan) -> list[UUID]:
    """The appointments whose workflows must hear of it: cancelled, left unmarked, or with money that stops."""
    ids = [line.id for line in (*plan.appointments, *plan.left)]
    ids += [line.appointment_id for line in (*plan.payments, *plan.in_flight)]
    return [UUID(id) for id in dict.fromkeys(ids)]


async def _leave_chats(session: AsyncSession, client: Client, plan: ArchivePlan, *, at: datetime) -> None:
    if not plan.chats_left:
        return
    left = [UUID(chat.id) for chat in plan.chats_left]
    found = select(ChatMember).where(col(ChatMember.client_id) == client.id, col(ChatMember.chat_id).in_(left))
    for member in await session.exec(found):
        member.left_at, member.left_because = at, LeftBecause.ARCHIVED
        session.add(member)


async def _close_tasks(session: AsyncSession, plan: ArchivePlan, *, by: str, at: datetime) -> None:
    if not plan.tasks_closed:
        return
    closed = [UUID(line.id) for line in plan.tasks_closed]
    for task in await session.exec(select(Task).where(col(Task.id).in_(closed))):
        task.resolved_at, task.resolved_by, task.note = at, by, "The client was archived."
        session.add(task)


async def _lock_therapists(session: AsyncSession, client_id: UUID) -> Sequence[Therapist]:
    """Cancelling frees time of every therapist the client has, had or waits for, or holds something with: lock
    them first, in one order."""
    has = select(Appointment.therapist_id).where(col(Appointment.client_id) == client_id)
    waits = select(WaitlistPlace.therapist_id).where(col(WaitlistPlace.client_id) == client_id)
    holds = select(OccupiedTime.therapist_id).where(col(OccupiedTime.made_by) == holds_of(client_id))
    return await lock_therapists(session, union(has, waits, holds))
