"""Booking: every rule again inside one transaction, therapist locked first; then appointments, forms and facts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.announcing import details_were_given
from activities.answers import AnsweredOnce
from activities.base import Activities, derived_id, looks_again
from activities.booking.dates import DatesPlan, plan_booking
from activities.booking.unconfirmed import refuse_unconfirmed
from activities.booking.waitlist_places import end_places
from activities.details import owner_of_address, write_details
from activities.forms.asking import ask_again
from activities.reactivation import make_active
from activities.snapshots import appointment_facts, facts_of_appointments
from activities.tasks import close_tasks
from activities.types.booking import Booked, BookingOrder
from activities.words import heard
from models.reads.booking.may_book import counted_when_booking, refuse_to_book
from models.reads.booking.waitlist import lines_of
from models.reads.forms.requests import agreed_terms
from models.reads.journey import journey_facts, project
from models.tables.booking.appointment import Appointment
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.writes.booking.holds import use_hold
from models.writes.locks import lock_client, lock_therapist_if_any
from models.writes.outbox import client_mail, order_mails, ordered_together
from models.writes.timeline import tell
from rules.booking.availability import CLOSED
from rules.booking.links import join_url_of
from rules.booking.series import EVERY, MOST_WEEKS, how_often
from rules.enums import AppointmentStatus, AppointmentType, ClientStatus, Mode, PlaceEnd, TaskKind
from rules.journey.stage import JourneyFacts
from rules.mail.kinds import Mail, to_both_sides
from rules.mail.orders import MailOrder
from rules.money.terms import AgreedTerms
from rules.refusals import Refusal, invalid
from rules.timeline import FactKind

BOOKED = AnsweredOnce("book", Booked)
_WORDS = {AppointmentType.INTRO_CALL: "intro call", AppointmentType.SESSION: "session"}


class BookingActivities(Activities):
    @activity.defn
    @looks_again
    async def book(self, order: BookingOrder) -> Booked:
        """Book one appointment or a series: all of it, or (unless conflicts are skipped) nothing.

        A booking makes an archived client active again, in the same step. Asked again with the same request id, the
        answer is what was booked then.
        """
        now = await self.now()
        async with self.transaction() as session:
            therapist, client = await _locked(session, UUID(order.client_id))
            given = await BOOKED.given(session, client, order)
            if given is not None:
                return given
            order = await heard(session, order, about=client.id)
            if order.details is not None:
                refusal = await write_details(
                    session, client, order.details, by=order.by, reason=order.request_id, at=now
                )
                if refusal is not None:
                    return await _refused(session, refusal)
            facts = await journey_facts(session, client, now=now)
            refusal = _refuse(order, client, therapist, facts)
            if refusal is not None or therapist is None:
                return await _refused(session, refusal)
            plan = await plan_booking(session, client, therapist, order, now=now)
            if plan.refusal is not None:
                return await _refused(session, plan.refusal)
            whom = counted_when_booking(client, order.whom, by=order.by)
            refusal = await refuse_unconfirmed(session, whom, policy=self.deps.policy, now=now) if whom else None
            if refusal is not None:
                return await _refused(session, refusal)

            unarchived = client.status is ClientStatus.ARCHIVED
            if unarchived:
                await make_active(session, client, by=order.by.actor, at=now, request_id=order.request_id)
            left_open = [UUID(a.id) for a in facts.open_appointments] if unarchived else []
            first = client.first_booked_at is None
            await use_hold(session, UUID(order.hold_id) if order.hold_id else None, therapist_id=therapist.id)
            lines = await end_places(
                session,
                client,
                because=PlaceEnd.BOOKED,
                at=now,
                by=order.by.actor,
                therapist_id=therapist.id,
                type=order.type,
            )
            new_to_them = await _is_first_of_its_type(session, client, therapist, order.type)
            agreed = await agreed_terms(session, client.id)
            appointments = self._write(
                session,
                client,
                therapist,
                order,
                plan=plan,
                facts=facts,
                new_to_them=new_to_them,
                agreed=agreed,
                now=now,
            )
            for appointment in appointments:
                appointment.visitor, appointment.network = (whom.who, whom.network) if whom else (None, None)
            await session.flush()
            if first:
                client.first_booked_at = now
            # Nothing here asks for what was written since: the client, its facts and events go in one write each.
            with session.no_autoflush:
                await ask_again(session, client, at=now, grace=self.deps.policy.form_grace, first_booking=first)
                if order.type is AppointmentType.SESSION:
                    await close_tasks(
                        session,
                        client,
                        about=None,
                        kinds=(TaskKind.NO_FIRST_SESSION,),
                        at=now,
                        note="A session was booked.",
                    )
                _tell(session, client, therapist, order, appointments, facts=facts, plan=plan, at=now)
                known_elsewhere = first and await _is_known_elsewhere(session, client)
                mails = _mails(
                    client,
                    order,
                    appointments,
                    first=first,
                    known_elsewhere=known_elsewhere,
                    unarchived=unarchived,
                )
                async with ordered_together(session):
                    await order_mails(session, mails, at=now)
                    if order.details is not None:
                        by, reason = order.by, order.request_id
                        await details_were_given(session, client, order.details, by=by, reason=reason, at=now)
            booked = Booked(
                facts=await project(session, client),
                appointments=tuple(appointment_facts(row, client, therapist, None) for row in appointments),
                series_id=str(appointments[0].series_id) if appointments[0].series_id else None,
                skipped=plan.skipped,
                first=first,
                known_elsewhere=known_elsewhere,
                unarchived=unarchived,
                resumed=await facts_of_appointments(session, client, left_open),
                exceptions=plan.exceptions,
                lines=await lines_of(session, freed=_freed(order, therapist.id), ended=lines),
            )
            return BOOKED.keep(session, client, order, booked, at=now)

    def _write(
        self,
        session: AsyncSession,
        client: Client,
        therapist: Therapist,
        order: BookingOrder,
        *,
        plan: DatesPlan,
        facts: JourneyFacts,
        new_to_them: bool,
        agreed: AgreedTerms,
        now: datetime,
    ) -> list[Appointment]:
        series_id = derived_id(order.request_id, "series") if order.weeks > 1 else None
        in_session = order.by.is_practice and bool(facts.outstanding_forms)
        free = order.type is AppointmentType.INTRO_CALL
        appointments = []
        for date in plan.free:
            id = derived_id(order.request_id, "appointment", date.week)
            appointment = Appointment(
                id=id,
                client_id=client.id,
                therapist_id=therapist.id,
                type=order.type,
                starts_at=date.starts_at,
                ends_at=date.ends_at,
                mode=order.mode,
                join_url=join_url_of(
                    order.mode,
                    public_url=self.deps.links.public_url,
                    appointment_id=id,
                    zoom_link=therapist.zoom_link,
                ),
                series_id=series_id,
                week=date.week,
                every=order.every if series_id else None,
                fee_amount=0 if free else therapist.session_fee_amount,
                fee_currency=therapist.session_fee_currency,
                booked_by=order.by.actor,
                booked_at=now,
                planned_at=now,
                terms=agreed.terms.document(),
                fee_policy_version=agreed.fee_policy_version,
                complete_forms_in_session=in_session,
                forms_outstanding_when_booked=list(facts.outstanding_forms),
                first_of_its_type=new_to_them and date is plan.free[0],
            )
            session.add(appointment)
            appointments.append(appointment)
        # The appointment rows go first: occupied time refers to them.
        session.add_all(
            OccupiedTime(
                id=appointment.id,
                therapist_id=therapist.id,
                client_id=client.id,
                appointment_id=appointment.id,
                type=appointment.type,
                starts_at=appointment.starts_at,
                ends_at=appointment.ends_at,
                made_by=order.by.actor,
                made_at=now,
            )
            for appointment in appointments
        )
        return appointments


async def _locked(session: AsyncSession, client_id: UUID) -> tuple[Therapist | None, Client]:
    """Therapist, then client. If the client was re-matched while this waited, look again."""
    theirs = select(Client.therapist_id).where(col(Client.id) == client_id).scalar_subquery()
    while True:
        therapist = await lock_therapist_if_any(session, theirs)
        client = await lock_client(session, client_id)
        if client.therapist_id == (therapist.id if therapist else None):
            return therapist, client
        await session.rollback()


_FIRST_UNTIL = {
    AppointmentType.INTRO_CALL: (AppointmentStatus.SCHEDULED, AppointmentStatus.OCCURRED),
    AppointmentType.SESSION: (AppointmentStatus.SCHEDULED, AppointmentStatus.OCCURRED, AppointmentStatus.NO_SHOW),
}


async def _is_first_of_its_type(
    session: AsyncSession, client: Client, therapist: Therapist, type: AppointmentType
) -> bool:
    """Whether nothing of the kind with this therapist is ahead or was held: cover depends on a therapist's licence."""
    if client.first_booked_at is None:
        return True
    before = select(Appointment.id).where(
        col(Appointment.client_id) == client.id,
        col(Appointment.therapist_id) == therapist.id,
        col(Appointment.type) == type,
        col(Appointment.status).in_(_FIRST_UNTIL[type]),
    )
    return (await session.exec(before.limit(1))).first() is None


def _freed(order: BookingOrder, therapist_id: UUID) -> set[UUID]:
    """Whose time a booking may free: a hold that it uses up may have been for another time, or another's offer."""
    return {therapist_id} if order.hold_id else set()


async def _refused(session: AsyncSession, refusal: Refusal | None) -> Booked:
    """A refusal changes nothing: not even the details that came with it."""
    await session.rollback()
    return Booked(refusal=refusal)


def _refuse(order: BookingOrder, client: Client, therapist: Therapist | None, facts: JourneyFacts) -> Refusal | None:
    if not 1 <= order.weeks <= MOST_WEEKS:
        return invalid("weeks", f"must be from 1 to {MOST_WEEKS}")
    if order.type is AppointmentType.INTRO_CALL and order.weeks > 1:
        return invalid("weeks", "an intro call is one appointment, not a series")
    if order.every not in EVERY:
        return invalid("every", "must be 1, 2 or 4")
    refusal = refuse_to_book(client, therapist, facts, type=order.type, weeks=order.weeks, by=order.by)
    if refusal is None and therapist is not None and order.mode is Mode.ZOOM and not therapist.zoom_link:
        return invalid("mode", f"{therapist.name} has no Zoom link; choose phone or video")
    return refusal


def _tell(
    session: AsyncSession,
    client: Client,
    therapist: Therapist,
    order: BookingOrder,
    appointments: list[Appointment],
    *,
    facts: JourneyFacts,
    plan: DatesPlan,
    at: datetime,
) -> None:
    what = _WORDS[order.type]
    text = f"An {what}" if what[0] in "aeiou" else f"A {what}"
    if order.weeks > 1:
        apart = f", one {how_often(order.every)}," if order.every > 1 else ""
        text = f"A series of {len(appointments)} {what}s{apart}"
    tell(
        session,
        client,
        FactKind.BOOKED,
        at=at,
        by=order.by.actor,
        text=f"{text} was booked.",
        data={
            "request_id": order.request_id,
            "type": order.type.value,
            "mode": order.mode.value,
            "therapist": therapist.slug,
            "appointments": [
                {"id": str(a.id), "starts_at": a.starts_at.isoformat(), "ends_at": a.ends_at.isoformat()}
                for a in appointments
            ],
            **({"every": order.every} if order.weeks > 1 else {}),
            "skipped": [_without_names(line) for line in plan.skipped],
            "exceptions": list(plan.exceptions),
        },
        words=order.reason,
    )
    if order.by.is_practice and facts.outstanding_forms:
        tell(
            session,
            client,
            FactKind.FORMS_GATE_OPENED,
            at=at,
            by=order.by.actor,
            text="Booked by the practice while intake forms are incomplete: complete forms in session.",
            data={
                "outstanding": list(facts.outstanding_forms),
                "appointments": [str(a.id) for a in appointments],
                **({} if order.reason else {"why": "booked by the practice, which gave no reason"}),
            },
            words=order.reason,
        )


def _without_names(line: dict[str, Any]) -> dict[str, Any]:
    """A date that was left out, as a fact tells it: its closure by the date alone. No words stand in facts."""
    closure = line.get("closure")
    return line if closure is None else {**line, "because": CLOSED, "closure": closure["date"]}


def _mails(
    client: Client,
    order: BookingOrder,
    appointments: list[Appointment],
    *,
    first: bool,
    known_elsewhere: bool,
    unarchived: bool,
) -> list[MailOrder]:
    """Of every booking: a confirmation to both sides. The first brings the client's account with it."""
    about = {"appointment_ids": tuple(str(appointment.id) for appointment in appointments)}
    mails = [client_mail(mail, client, order.request_id, **about) for mail in to_both_sides(Mail.BOOKING_CONFIRMATION)]
    if first:
        mails.insert(0, client_mail(Mail.ALREADY_KNOWN if known_elsewhere else Mail.WELCOME, client, "first"))
    if unarchived:
        mails.append(client_mail(Mail.CLIENT_BACK, client, order.request_id, **about))
    return mails


async def _is_known_elsewhere(session: AsyncSession, client: Client) -> bool:
    return client.email is not None and await owner_of_address(session, client.email, other_than=client) is not None
