"""Opening a journey, and deciding who the therapist is: by the form, by the profile, or by a person."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.appointments import cancel_row
from activities.core import (
    Activities,
    Dependencies,
    derived_id,
    facts_of_appointments,
    open_task_once,
)
from activities.details import write_details
from activities.types import Matched, MatchOrder, NewJourney, Opened
from models.appointment import Appointment
from models.calendar import busy_margin, horizon_end, load_availabilities, load_busy_of_many
from models.client import Client
from models.locks import lock_client, lock_therapist
from models.match import Match
from models.snapshots import journey_facts, project
from models.task import Task
from models.therapist import Therapist, WeeklyHours
from models.timeline import append_fact
from rules.availability import WeeklyWindow, earliest_slot
from rules.matching import Answers, Candidate, PreferredTime, decide, score
from rules.matching import Match as Found
from rules.refusals import Refusal, invalid
from rules.words import (
    AppointmentStatus,
    AppointmentType,
    ClientStatus,
    IntroCalls,
    Role,
    Source,
    TaskKind,
)

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no 0, 1, I, O: a ref is read out on the telephone


def ref_of(client_id: str) -> str:
    """A short opaque name of a client, for people and for search attributes; it follows from the id."""
    digest = int.from_bytes(sha256(UUID(client_id).bytes).digest()[:7])
    letters = [_ALPHABET[(digest >> shift) & 31] for shift in range(0, 50, 5)]
    return "".join(letters)


class MatchingActivities(Activities):
    def __init__(self, dependencies: Dependencies) -> None:
        super().__init__(dependencies)

    @activity.defn
    async def open_journey(self, new: NewJourney) -> Opened:
        """Make the client and find the therapist, in one transaction; asked again, answer what stands."""
        now = await self.now()
        async with self.transaction() as session:
            known = await session.get(Client, UUID(new.client_id))
            if known is not None:
                return await _as_it_stands(session, known)
            refusal, chosen = await _chosen_therapist(session, new)
            if refusal is not None:
                return Opened(refusal=refusal)
            found: Found | None = None
            if new.source is Source.MATCHING_FORM:
                found, chosen = await _find(session, new, now)
            client = Client(
                id=UUID(new.client_id),
                ref=ref_of(new.client_id),
                source=new.source,
                answers=new.answers,
                note=new.note,
                made_by=new.by.actor,
                made_by_staff=new.by.is_practice,
                created_at=now,
                test=new.test,
                # Its mails go to the staff who made it: a program of the care team reads the care team's mailbox.
                test_mail_to=self.deps.practice.care_team_email if new.test else None,
                state=(new.answers or {}).get("state"),
            )
            session.add(client)
            await session.flush()
            append_fact(
                session,
                client,
                at=now,
                actor=new.by.actor,
                kind="journey_started",
                text=_STARTED[new.source] + (" This is a test client." if new.test else ""),
                data={"source": new.source.value, "request_id": new.request_id, "test": new.test},
            )
            if new.details is not None:
                refusal = await write_details(session, client, new.details, by=new.by, at=now)
                if refusal is not None:
                    await session.rollback()
                    return Opened(refusal=refusal)
            explanation = found.to_document() if found else None
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
                    explanation=explanation,
                )
            else:
                await open_task_once(
                    session,
                    client,
                    key=f"match_by_hand:{client.id}",
                    kind=TaskKind.MATCH_BY_HAND,
                    text=f"No therapist fits client {client.ref}; please match by hand.",
                    at=now,
                )
            facts = await project(session, client)
            return Opened(
                facts=facts,
                therapist=chosen.slug if chosen else None,
                match=_match_document(chosen, explanation),
                contact_required=chosen is None and not facts.reachable,
            )

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
            match_id = derived_id(order.request_id, "match")
            already = await session.get(Match, match_id)
            if already is None and client.therapist_id != wanted.id:
                present = (
                    await session.exec(
                        select(Match).where(col(Match.client_id) == client.id, col(Match.ended_at).is_(None))
                    )
                ).first()
                if present is not None:
                    present.ended_at = now
                    session.add(present)
                    await session.flush()
                _assign(
                    session,
                    client,
                    wanted,
                    how=Source.CARE_TEAM,
                    by=order.by.actor,
                    at=now,
                    request_id=order.request_id,
                    reason=order.reason,
                    explanation=None,
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
                cancelled = await _cancelled_by(session, client, order)
                cancelled += await _cancel_ahead(session, client, open_ids, order=order, now=now)
            facts = await project(session, client)
            return Matched(
                facts=facts,
                match=_match_document(wanted, None),
                former_appointments=await facts_of_appointments(session, client, [*open_ids, *cancelled]),
                cancelled=await facts_of_appointments(session, client, cancelled),
            )


_STARTED = {
    Source.MATCHING_FORM: "A matching form was sent.",
    Source.DIRECT_BOOKING: "A direct booking form was sent from a therapist's profile.",
    Source.CARE_TEAM: "The care team started this journey by hand.",
}


async def _as_it_stands(session: AsyncSession, client: Client) -> Opened:
    facts = await journey_facts(session, client)
    row = (
        await session.exec(select(Match).where(col(Match.client_id) == client.id).order_by(col(Match.made_at)).limit(1))
    ).first()
    therapist = await session.get(Therapist, row.therapist_id) if row else None
    return Opened(
        facts=facts,
        therapist=therapist.slug if therapist else None,
        match=_match_document(therapist, row.explanation if row else None),
        contact_required=therapist is None and not facts.reachable,
    )


async def _chosen_therapist(session: AsyncSession, new: NewJourney) -> tuple[Refusal | None, Therapist | None]:
    """The therapist that a profile's form or a person named, if any."""
    if new.source is Source.MATCHING_FORM or new.therapist is None:
        return None, None
    therapist = (await session.exec(select(Therapist).where(col(Therapist.slug) == new.therapist))).first()
    if therapist is None:
        return invalid("therapist", f"there is no therapist {new.therapist}"), None
    if new.by.role is Role.BOOKING_SITE and not therapist.accepting_clients:
        return invalid("therapist", f"{therapist.name} is not taking new clients at the moment"), None
    return None, await lock_therapist(session, therapist.id)


async def _find(session: AsyncSession, new: NewJourney, now: datetime) -> tuple[Found, Therapist | None]:
    """Match by the form. The winner is locked and looked at again: two forms never share a caseload's last place.

    Whoever lost that place starts over with no lock held, so that nobody waits in a circle.
    """
    answers = _read_answers(new)
    while True:
        scored = score(answers=answers, candidates=await _candidates(session))
        found = decide(scored, earliest=await _earliest(session, scored.tied, now))
        if found.therapist is None:
            return found, None
        chosen = (await session.exec(select(Therapist.id).where(col(Therapist.slug) == found.therapist))).one()
        winner = await lock_therapist(session, chosen)
        limit = winner.caseload_limit
        if winner.accepting_clients and (limit is None or await _active_clients(session, winner.id) < limit):
            return found, winner
        await session.rollback()


async def _earliest(session: AsyncSession, slugs: Sequence[str], now: datetime) -> dict[str, datetime | None]:
    """The earliest open slot of each: of an intro call, or of a session where intro calls are off."""
    if not slugs:
        return {}
    therapists = (await session.exec(select(Therapist).where(col(Therapist.slug).in_(slugs)))).all()
    availabilities = await load_availabilities(session, therapists)
    margin = max(busy_margin(availability) for availability in availabilities.values())
    busy = await load_busy_of_many(
        session,
        therapist_ids=list(availabilities),
        starts_before=max(horizon_end(availability, now=now) for availability in availabilities.values()) + margin,
        ends_after=now - margin,
        now=now,
    )
    return {
        therapist.slug: earliest_slot(
            availability=availabilities[therapist.id],
            type=AppointmentType.SESSION if therapist.intro_calls is IntroCalls.OFF else AppointmentType.INTRO_CALL,
            busy=busy[therapist.id],
            now=now,
        )
        for therapist in therapists
    }


async def _candidates(session: AsyncSession) -> list[Candidate]:
    """Everybody, with weekly hours and present caseload. Plain columns, because there may be thousands."""
    weekly: dict[UUID, list[WeeklyWindow]] = defaultdict(list)
    kinds: dict[tuple[str, ...], frozenset[AppointmentType]] = {}
    hours = select(
        WeeklyHours.therapist_id, WeeklyHours.weekday, WeeklyHours.opens, WeeklyHours.closes, WeeklyHours.types
    )  # type: ignore[call-overload]
    for therapist_id, weekday, opens, closes, types in (await session.exec(hours)).all():
        key = tuple(types)
        if key not in kinds:
            kinds[key] = frozenset(AppointmentType(kind) for kind in types)
        weekly[therapist_id].append(WeeklyWindow(weekday=weekday, start=opens, end=closes, types=kinds[key]))
    counted = await session.exec(
        select(Client.therapist_id, func.count())
        .where(col(Client.status) == ClientStatus.ACTIVE, col(Client.closed_at).is_(None))
        .group_by(col(Client.therapist_id))
    )
    active = dict(counted.all())
    columns = list(Therapist.__table__.c)  # type: ignore[attr-defined]
    return [
        Candidate(
            slug=row.slug,
            name=row.name,
            accepting_clients=row.accepting_clients,
            licensed_in=frozenset(row.licensed_in),
            concerns=frozenset(row.concerns),
            languages=frozenset(row.languages),
            modalities=frozenset(row.modalities),
            gender=row.gender,
            insurances=frozenset(row.insurances),
            intro_calls=row.intro_calls,
            caseload_limit=row.caseload_limit,
            active_clients=active.get(row.id, 0),
            weekly=tuple(weekly.get(row.id, ())),
        )
        for row in (await session.exec(select(*columns))).all()
    ]


async def _active_clients(session: AsyncSession, therapist_id: UUID) -> int:
    statement = (
        select(func.count())
        .select_from(Client)
        .where(
            col(Client.therapist_id) == therapist_id,
            col(Client.status) == ClientStatus.ACTIVE,
            col(Client.closed_at).is_(None),
        )
    )
    return (await session.exec(statement)).one()


def _read_answers(new: NewJourney) -> Answers:
    said = new.answers or {}
    return Answers(
        state=said["state"],
        modality=said["modality"],
        concerns=tuple(said.get("concerns") or ()),
        languages=tuple(said.get("languages") or ()),
        therapist_gender=said.get("therapist_gender"),
        insurance=said.get("insurance"),
        preferred_times=tuple(
            PreferredTime(weekday=wish["weekday"], part=wish["part"]) for wish in said.get("preferred_times") or ()
        ),
        note=said.get("note") or "",
    )


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
    explanation: dict[str, object] | None,
) -> None:
    again = client.therapist_id is not None
    session.add(
        Match(
            id=derived_id(request_id, "match"),
            client_id=client.id,
            therapist_id=therapist.id,
            how=how,
            reason=reason,
            explanation=explanation,
            made_by=by,
            made_at=at,
        )
    )
    client.therapist_id, client.matched_at = therapist.id, at
    append_fact(
        session,
        client,
        at=at,
        actor=by,
        kind="rematched" if again else "matched",
        text=f"{therapist.name} is now the therapist." + (f" Reason: {reason}" if reason else ""),
        data={"therapist": therapist.slug, "how": how.value, "request_id": request_id},
    )


def _match_document(therapist: Therapist | None, explanation: dict[str, object] | None) -> dict[str, object] | None:
    """The explained match; where nobody was scored, the therapist alone."""
    if therapist is None:
        return None
    if explanation is not None:
        return explanation
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


async def _cancelled_by(session: AsyncSession, client: Client, order: MatchOrder) -> list[UUID]:
    """What this very request had cancelled before, if its answer was lost."""
    statement = select(Appointment.id).where(
        col(Appointment.client_id) == client.id,
        col(Appointment.changed_by) == UUID(order.request_id),
        col(Appointment.status) == AppointmentStatus.CANCELLED,
    )
    return list((await session.exec(statement)).all())


async def _cancel_ahead(
    session: AsyncSession, client: Client, ids: list[UUID], *, order: MatchOrder, now: datetime
) -> list[UUID]:
    """Cancel the named appointments that are still ahead, without a fee: the practice does it for its own reasons."""
    cancelled: list[UUID] = []
    for appointment_id in ids:
        appointment = await session.get(Appointment, appointment_id)
        if appointment is None or appointment.starts_at <= now:
            continue
        await cancel_row(
            session,
            appointment,
            by=order.by.actor,
            at=now,
            reason=order.reason,
            request_id=UUID(order.request_id),
            status=AppointmentStatus.CANCELLED,
        )
        append_fact(
            session,
            client,
            at=now,
            actor=order.by.actor,
            kind="appointment_cancelled",
            text="An appointment with the former therapist was cancelled, without a fee.",
            data={"appointment_id": str(appointment.id)},
        )
        cancelled.append(appointment.id)
    return cancelled
