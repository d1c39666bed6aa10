"""Archiving and its undoing: one transaction that compares and sets, by the rule that the preview uses too."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.changes import cancel_row
from activities.core import Activities, derived_id, facts_of_appointments, open_task_once
from activities.credits import give_back
from activities.ports import GatewayRejected
from activities.types import Archived, ArchiveOrder, CloseOrder, Done, Unarchived, UnarchiveOrder
from activities.waiting import end_places, lines_of, lines_of_client, places_ended_then
from models.appointment import Appointment
from models.client import Client
from models.fact import Fact
from models.form import FormRequest
from models.locks import lock_client, lock_payment, lock_therapist
from models.occupied_time import OccupiedTime
from models.payment import Payment
from models.snapshots import archive_situation, journey_facts, project
from models.task import Task
from models.timeline import append_fact
from models.waitlist import WaitlistPlace, released_places
from rules.archive import BECAUSE_ARCHIVED, ArchivePlan, plan_archive
from rules.policy import JourneyPolicy
from rules.words import (
    AppointmentStatus,
    ClientStatus,
    FormStatus,
    PaymentStatus,
    PlaceEnd,
    Role,
    TaskKind,
)

UNARCHIVED = "unarchived"


class ArchiveActivities(Activities):
    @activity.defn
    async def archive_client(self, order: ArchiveOrder, policy: JourneyPolicy) -> Archived:
        """Archive a client: everything ahead stops, nothing is deleted. Archiving twice is one archive."""
        now = await self.now()
        async with self.transaction() as session:
            freed = await _lock_therapists(session, UUID(order.client_id))
            client = await lock_client(session, UUID(order.client_id))
            if client.status is ClientStatus.ARCHIVED:
                return await _as_archived(session, client, order, freed=freed)
            plan = plan_archive(await archive_situation(session, client, policy=policy, now=now), now=now)
            for line in plan.appointments:
                appointment = await session.get_one(Appointment, UUID(line.id))
                await cancel_row(
                    session,
                    appointment,
                    by=order.by,
                    at=now,
                    reason=None,
                    request_id=derived_id(order.client_id, "archive", order.request_id),
                    status=AppointmentStatus.CANCELLED,
                )
            ended = await end_places(session, client, because=PlaceEnd.ARCHIVED, at=now, by=order.by)
            intents: list[str] = []
            for payment_line in plan.payments:
                payment = await lock_payment(session, UUID(payment_line.id))
                payment.status, payment.because = PaymentStatus.CANCELLED, BECAUSE_ARCHIVED
                payment.next_try_at = None
                await give_back(session, payment, at=now)
                if payment.intent is not None:
                    intents.append(payment.intent)
            for form in await session.exec(select(FormRequest).where(col(FormRequest.client_id) == client.id)):
                if form.status is FormStatus.REQUESTED:
                    form.status = FormStatus.SUSPENDED
                    session.add(form)
            await session.exec(
                delete(OccupiedTime).where(
                    col(OccupiedTime.made_by) == f"{Role.CLIENT.value}:{client.id}",
                    col(OccupiedTime.expires_at).is_not(None),
                )
            )
            for task in await session.exec(
                select(Task).where(
                    col(Task.client_id) == client.id,
                    col(Task.kind) == TaskKind.MATCH_BY_HAND,
                    col(Task.resolved_at).is_(None),
                )
            ):
                task.resolved_at, task.resolved_by, task.note = now, order.by, "The client was archived."
                session.add(task)
            record = {
                **plan.to_document(),
                "archived_at": now.isoformat(),
                "by": order.by,
                "reason": order.reason,
                "request_id": order.request_id,
                "notify": order.notify,
            }
            client.status, client.archived_at, client.archive_record = ClientStatus.ARCHIVED, now, record
            append_fact(
                session,
                client,
                at=now,
                actor=order.by,
                kind="archived",
                text="The client was archived." + (f" Reason: {order.reason}" if order.reason else ""),
                data=record,
            )
            facts = await project(session, client)
            return Archived(
                facts=facts,
                changed=True,
                appointments=await facts_of_appointments(session, client, _touched(plan)),
                cancelled=tuple(line.id for line in plan.appointments),
                intents=tuple(intents),
                lines=await lines_of(session, freed=freed, ended=ended),
            )

    @activity.defn
    async def unarchive_client(self, order: UnarchiveOrder) -> Unarchived:
        """Make a client active again. What was cancelled stays cancelled."""
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            changed = client.status is ClientStatus.ARCHIVED
            if changed:
                await make_active(session, client, by=order.by, at=now, request_id=order.request_id)
            else:
                changed = await made_active_by(session, client, order.request_id)
            facts = await project(session, client)
            open_ids = [UUID(appointment.id) for appointment in facts.open_appointments]
            return Unarchived(
                facts=facts,
                changed=changed,
                appointments=await facts_of_appointments(session, client, open_ids) if changed else (),
                lines=await lines_of_client(session, client) if changed else (),
            )

    @activity.defn
    async def cancel_intent(self, client_id: str, intent: str) -> None:
        """Cancel the open PaymentIntent of a cancelled payment at Stripe, so that no old link still pays."""
        async with self.transaction() as session:
            client = await session.get_one(Client, UUID(client_id))
        # A key for each run: Stripe would replay a stored failure, and cancelling twice cancels once.
        key = f"cancel:{intent}:{activity.info().attempt if activity.in_activity() else 1}"
        try:
            _ = await self.gateway_for(client).cancel_intent(intent=intent, key=key)
        except GatewayRejected as rejected:
            if rejected.code != "resource_missing":  # what Stripe does not know cannot be paid
                raise

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
                    task.resolved_at, task.resolved_by = now, "system"
                    task.note = "Nobody gave a name or booked, and the journey was closed."
                    session.add(task)
                append_fact(
                    session,
                    client,
                    at=now,
                    actor="system",
                    kind="journey_closed",
                    text="Nobody gave a name or booked; the journey was closed.",
                )
            return Done(facts=await project(session, client), changed=still_nobody)


def _touched(plan: ArchivePlan) -> list[UUID]:
    """The appointments whose workflows must hear of it: cancelled, left unmarked, or with money that stops."""
    ids = [line.id for line in (*plan.appointments, *plan.left)]
    ids += [line.appointment_id for line in (*plan.payments, *plan.in_flight)]
    return [UUID(id) for id in dict.fromkeys(ids)]


async def _as_archived(session: AsyncSession, client: Client, order: ArchiveOrder, *, freed: set[UUID]) -> Archived:
    """Archived already. By this very request, whose answer was lost: then the whole answer again, from the record."""
    facts = await journey_facts(session, client)
    record = client.archive_record or {}
    if record.get("request_id") != order.request_id:
        return Archived(facts=facts, changed=False)
    stopped = [UUID(line["id"]) for line in record["payments"]]
    intents = select(Payment.intent).where(col(Payment.id).in_(stopped), col(Payment.intent).is_not(None))
    cancelled = [line["id"] for line in record["appointments"]]
    ids = [*cancelled, *(line["id"] for line in record["left_unmarked"])]
    ids += [line["appointment_id"] for line in (*record["payments"], *record["in_flight"])]
    return Archived(
        facts=facts,
        changed=True,
        appointments=await facts_of_appointments(session, client, [UUID(id) for id in dict.fromkeys(ids)]),
        cancelled=tuple(cancelled),
        intents=tuple(str(intent) for intent in (await session.exec(intents)).all()),
        lines=await lines_of(
            session,
            freed=freed,
            ended=await places_ended_then(session, client, at=datetime.fromisoformat(record["archived_at"])),
        ),
    )


async def made_active_by(session: AsyncSession, client: Client, request_id: str) -> bool:
    """Whether the latest unarchiving was this request's."""
    latest = (
        select(Fact)
        .where(col(Fact.client_id) == client.id, col(Fact.kind) == UNARCHIVED)
        .order_by(col(Fact.seq).desc())
        .limit(1)
    )
    fact = (await session.exec(latest)).first()
    return fact is not None and fact.data.get("request_id") == request_id


async def make_active(session: AsyncSession, client: Client, *, by: str, at: datetime, request_id: str) -> None:
    """Unarchive inside the running transaction: suspended forms are asked for again, and places on waitlists that the
    archive released are taken up again, as the client sees them all the while. The client's row is locked.
    """
    for place in await released_places(session, client_id=client.id, now=at):
        if place.therapist_id == client.therapist_id:
            place.ended_at, place.ended_because = None, None
            session.add(place)
    await session.flush()
    client.status, client.archived_at, client.archive_record = ClientStatus.ACTIVE, None, None
    for form in await session.exec(
        select(FormRequest).where(
            col(FormRequest.client_id) == client.id, col(FormRequest.status) == FormStatus.SUSPENDED
        )
    ):
        form.status = FormStatus.REQUESTED
        session.add(form)
    append_fact(
        session,
        client,
        at=at,
        actor=by,
        kind=UNARCHIVED,
        text="The client was made active again.",
        data={"request_id": request_id},
    )
    if client.therapist_id is None:
        # The archive closed the matching task; the client waits for a therapist once more.
        await open_task_once(
            session,
            client,
            key=f"match_by_hand:{client.id}:{request_id}",
            kind=TaskKind.MATCH_BY_HAND,
            text=f"Client {client.ref} is active again and has no therapist; please match by hand.",
            at=at,
        )


async def _lock_therapists(session: AsyncSession, client_id: UUID) -> set[UUID]:
    """Cancelling frees time of every therapist the client has, had or waits for something with: lock them first, in
    one order."""
    has = select(Appointment.therapist_id).where(col(Appointment.client_id) == client_id)
    waits = select(WaitlistPlace.therapist_id).where(col(WaitlistPlace.client_id) == client_id)
    therapists = {*(await session.exec(has)).all(), *(await session.exec(waits)).all()}
    for therapist_id in sorted(therapists, key=str):
        await lock_therapist(session, therapist_id)
    return therapists
