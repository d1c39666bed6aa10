"""Opening a journey, and deciding who the therapist is: by the form, by the profile, or by a person."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.announcing import announce, details_were_given
from activities.answers import AnsweredOnce
from activities.base import Activities, derived_id
from activities.booking.changes import cancel_rows
from activities.booking.telling import cancellation_mails
from activities.booking.waitlist_places import end_places
from activities.clients.candidates import find_therapist
from activities.details import write_details
from activities.snapshots import facts_of_appointments
from activities.tasks import open_task_once
from activities.types.clients import Matched, MatchOrder, NewJourney, Opened
from activities.words import NothingHandedIn, heard, take_beside
from models.reads.booking.waitlist import lines_of
from models.reads.journey import project
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.clients.match import FormMatch, Match
from models.tables.clients.task import Task
from models.writes.events.publish import publish_task
from models.writes.locks import RowMissing, lock_client, lock_therapist, lock_therapist_if_any
from models.writes.outbox import order_mails
from models.writes.timeline import tell
from rules.accounts.caller import SYSTEM
from rules.clients.matching import MatchResult as Found
from rules.clients.refs import ref_of
from rules.enums import AppointmentStatus, PlaceEnd, Role, Source, Stage, TaskKind
from rules.events.kinds import EventKind
from rules.journey.settings import PlanSettings, followed
from rules.mail.orders import MailOrder
from rules.refusals import REASON_REQUIRED, Refusal, invalid
from rules.timeline import FactKind

OPENED = AnsweredOnce("open_journey", Opened)
MATCHED = AnsweredOnce("match_by_hand", Matched)


class MatchingActivities(Activities):
    @activity.defn
    async def open_journey(self, new: NewJourney) -> Opened:
        """Make the client and find the therapist, in one transaction; asked again, answer what stands.

        Another attempt may still be within its transaction, and was not seen at the first look: what it has written
        then stands in this one's way, and is its answer.
        """
        try:
            opened = await self._open(new)
        except (NothingHandedIn, IntegrityError):
            if (stands := await self._as_it_stands(new)) is None:
                raise
            return stands
        return opened if opened.refusal is None else await self._as_it_stands(new) or opened

    async def _as_it_stands(self, new: NewJourney) -> Opened | None:
        async with self.transaction() as session:
            known = await session.get(Client, UUID(new.client_id))
            return await _opened_before(session, known) if known is not None else None

    async def _open(self, new: NewJourney) -> Opened:
        now = await self.now()
        async with self.transaction() as session:
            known = await take_beside(session, UUID(new.client_id), new)
            if known is not None:
                return await _opened_before(session, known)
            new = await heard(session, new, about=UUID(new.client_id))
            refusal, chosen = await _chosen_therapist(session, new)
            if refusal is not None:
                await session.rollback()
                return Opened(refusal=refusal)
            found: Found | None = None
            considered = b""
            if new.source is Source.MATCHING_FORM:
                found, chosen, considered = await find_therapist(session, new.answers or {}, now)
            stage = Stage.MATCHING if chosen is None else Stage.FIRST_BOOKING  # as it follows from what is told below
            client = Client(
                id=UUID(new.client_id),
                ref=ref_of(new.client_id),
                stage=stage,
                stage_shown=stage,
                source=new.source,
                note=new.note,
                made_by=new.by.actor,
                made_by_staff=new.by.is_practice,
                created_at=now,
                test=new.test,
                state=(new.answers or {}).get("state"),
            )
            tell(
                session,
                client,
                FactKind.JOURNEY_STARTED,
                at=now,
                by=new.by.actor,
                text=_STARTED[new.source] + (" This is a test client." if new.test else ""),
                data={"source": new.source.value, "request_id": new.request_id, "test": new.test},
            )
            if new.details is not None:
                with session.no_autoflush:  # the row is written once, with the match
                    by, reason = new.by, new.request_id
                    refusal = await write_details(session, client, new.details, by=by, reason=reason, at=now)
                if refusal is not None:
                    await session.rollback()
                    return Opened(refusal=refusal)
            if chosen is not None:
                _assign(
                    session,
                    client,
                    chosen,
                    how=new.source,
                    by=new.by.actor,
                    at=now,
                    request_id=new.request_id,
                    reason=None,
                )
            else:
                if found is not None:
                    tell(
                        session,
                        client,
                        FactKind.NOBODY_FITS,
                        at=now,
                        by=SYSTEM,
                        text="No therapist fits the matching form.",
                        data={
                            "weights_version": found.weights.version,
                            "ruled_out": [out.therapist for out in found.ruled_out],
                        },
                    )
                await open_task_once(
                    session,
                    client,
                    key=f"match_by_hand:{client.id}",
                    kind=TaskKind.MATCH_BY_HAND,
                    text=f"No therapist fits client {client.ref}; please match by hand.",
                    at=now,
                )
            if new.details is not None:
                await details_were_given(session, client, new.details, by=new.by, reason=new.request_id, at=now)
            facts = await project(session, client)
            if found is not None:  # after the match, which it refers to
                form = FormMatch(
                    id=derived_id(new.request_id, "form_match"),
                    client_id=client.id,
                    match_id=_match_id(new.request_id) if chosen is not None else None,
                    answers=new.answers or {},
                    explanation=found.to_document(),
                    considered=considered,
                    made_by=new.by.actor,
                    made_at=now,
                )
                session.add(form)
            opened = Opened(
                settings=PlanSettings(present=followed(self.deps.policy)),
                facts=facts,
                therapist=chosen.slug if chosen else None,
                match=_match_document(chosen),
                contact_required=chosen is None and not facts.reachable,
            )
            return OPENED.keep(session, client, new, opened, at=now)

    @activity.defn
    async def match_by_hand(self, order: MatchOrder) -> Matched:
        """Give the client another therapist (or the first), with a reason. History stays."""
        now = await self.now()
        async with self.transaction() as session:
            wanted = (await session.exec(select(Therapist).where(col(Therapist.slug) == order.therapist))).first()
            if wanted is None:
                return Matched(refusal=invalid("therapist", f"there is no therapist {order.therapist}"))
            client = await session.get(Client, UUID(order.client_id))
            former_id = client.therapist_id if client else None
            # Two therapists in one fixed order, then the client: nobody waits for anybody in a circle.
            for therapist_id in sorted({wanted.id, former_id or wanted.id}, key=str):
                await lock_therapist(session, therapist_id)
            client = await lock_client(session, UUID(order.client_id))
            given = await MATCHED.given(session, client, order)
            if given is not None:
                return given
            order = await heard(session, order, about=client.id)
            if not order.reason.strip():
                return Matched(refusal=REASON_REQUIRED)
            ended: set[UUID] = set()
            if client.therapist_id != wanted.id:
                present = (
                    await session.exec(
                        select(Match).where(col(Match.client_id) == client.id, col(Match.ended_at).is_(None))
                    )
                ).first()
                if present is not None:
                    present.ended_at = now
                    session.add(present)
                    await session.flush()
                ended = await end_places(session, client, because=PlaceEnd.REMATCHED, at=now, by=order.by.actor)
                _assign(
                    session,
                    client,
                    wanted,
                    how=Source.CARE_TEAM,
                    by=order.by.actor,
                    at=now,
                    request_id=order.request_id,
                    reason=order.reason,
                )
                await _close_matching_task(session, client, at=now, by=order.by.actor)
            open_ids = [
                row.id
                for row in await session.exec(
                    select(Appointment).where(
                        col(Appointment.client_id) == client.id,
                        col(Appointment.therapist_id) != wanted.id,
                        col(Appointment.status) == AppointmentStatus.SCHEDULED,
                    )
                )
            ]
            cancelled: list[UUID] = []
            if order.cancel_appointments:
                cancelled = await _cancel_ahead(session, client, open_ids, order=order, now=now)
            if client.matched_at == now:
                await announce(session, client, at=now)
            await order_mails(session, _cancellations(client, cancelled), at=now)
            facts = await project(session, client)
            matched = Matched(
                facts=facts,
                lines=await lines_of(session, freed=await _therapists_of(session, cancelled), ended=ended),
                match=_match_document(wanted),
                former_appointments=await facts_of_appointments(session, client, open_ids),
                cancelled=await facts_of_appointments(session, client, cancelled),
            )
            return MATCHED.keep(session, client, order, matched, at=now)


_STARTED = {
    Source.MATCHING_FORM: "A matching form was sent.",
    Source.DIRECT_BOOKING: "A direct booking form was sent from a therapist's profile.",
    Source.CARE_TEAM: "The practice started this journey by hand.",
}


async def _opened_before(session: AsyncSession, client: Client) -> Opened:
    """A journey is opened once, whoever asks: the row and the answer were written together."""
    opened = await OPENED.ever(session, client)
    if opened is None:
        raise RowMissing(f"client {client.id} was not made by a journey")
    return opened


async def _chosen_therapist(session: AsyncSession, new: NewJourney) -> tuple[Refusal | None, Therapist | None]:
    """The therapist that a profile's form or a person named, if any."""
    if new.source is Source.MATCHING_FORM or new.therapist is None:
        return None, None
    named = select(Therapist.id).where(col(Therapist.slug) == new.therapist).scalar_subquery()
    therapist = await lock_therapist_if_any(session, named)
    if therapist is None:
        return invalid("therapist", f"there is no therapist {new.therapist}"), None
    if new.by.role is Role.BOOKING_SITE and not therapist.accepting_clients:
        return invalid("therapist", f"{therapist.name} is not taking new clients at the moment"), None
    return None, therapist


def _assign(
    session: AsyncSession,
    client: Client,
    therapist: Therapist,
    *,
    how: Source,
    by: str,
    at: datetime,
    request_id: str,
    reason: str | None,
) -> None:
    again = client.therapist_id is not None
    session.add(
        Match(
            id=_match_id(request_id),
            client_id=client.id,
            therapist_id=therapist.id,
            how=how,
            reason=reason,
            made_by=by,
            made_at=at,
        )
    )
    client.therapist_id, client.matched_at = therapist.id, at
    tell(
        session,
        client,
        FactKind.REMATCHED if again else FactKind.MATCHED,
        at=at,
        by=by,
        text=f"{therapist.name} is now the therapist.",
        data={"therapist": therapist.slug, "how": how.value, "request_id": request_id},
        words=reason,
    )


def _match_id(request_id: str) -> UUID:
    return derived_id(request_id, "match")


def _match_document(therapist: Therapist | None) -> dict[str, object] | None:
    """The match without what explains it, which tells of the client."""
    if therapist is None:
        return None
    return {
        "therapist": therapist.slug,
        "score": None,
        "weights_version": None,
        "factors": [],
        "runners_up": [],
        "ruled_out": [],
    }


async def _close_matching_task(session: AsyncSession, client: Client, *, at: datetime, by: str) -> None:
    open_tasks = await session.exec(
        select(Task).where(
            col(Task.client_id) == client.id,
            col(Task.kind) == TaskKind.MATCH_BY_HAND,
            col(Task.resolved_at).is_(None),
        )
    )
    for task in open_tasks:
        task.resolved_at, task.resolved_by, task.note = at, by, "A therapist was assigned."
        session.add(task)
        publish_task(session, EventKind.TASK_RESOLVED, task.id, task.kind, client=client, at=at)


def _cancellations(client: Client, ids: list[UUID]) -> list[MailOrder]:
    return [mail for id in ids for mail in cancellation_mails(client, id)]


async def _therapists_of(session: AsyncSession, appointments: list[UUID]) -> set[UUID]:
    statement = select(Appointment.therapist_id).where(col(Appointment.id).in_(appointments))
    return set((await session.exec(statement)).all())


async def _cancel_ahead(
    session: AsyncSession, client: Client, ids: list[UUID], *, order: MatchOrder, now: datetime
) -> list[UUID]:
    """Cancel the named appointments that are still ahead, without a fee: the practice does it for its own reasons."""
    cancelled: list[UUID] = []
    for appointment_id in ids:
        appointment = await session.get(Appointment, appointment_id)
        if appointment is None or appointment.starts_at <= now:
            continue
        former = await session.get_one(Therapist, appointment.therapist_id)
        await cancel_rows(
            session,
            [appointment],
            by=order.by.actor,
            at=now,
            reason=order.reason,
            request_id=UUID(order.request_id),
            status=AppointmentStatus.CANCELLED,
        )
        tell(
            session,
            client,
            FactKind.APPOINTMENT_CANCELLED,
            at=now,
            by=order.by.actor,
            text="An appointment with the former therapist was cancelled, without a fee.",
            data={
                "appointment_id": str(appointment.id),
                "type": appointment.type.value,
                "therapist": former.slug,
                "starts_at": appointment.starts_at.isoformat(),
            },
        )
        cancelled.append(appointment.id)
    return cancelled
