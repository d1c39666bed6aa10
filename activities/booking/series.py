"""A series after it was booked: one appointment and all after it, cancelled or moved in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlmodel import col, select, text
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.answers import AnsweredOnce
from activities.base import Activities, looks_again
from activities.booking.changes import cancel, fee_waived, move, refuse_cancel, refuse_move, would_cancel
from activities.booking.dates import plan_move
from activities.booking.telling import link_mails, series_mails
from activities.locked import LockedAppointment
from activities.money.approval.second_person import refuse_waiver_alone
from activities.snapshots import appointment_facts
from activities.types.booking import (
    FollowingCancelOrder,
    FollowingChanged,
    FollowingMoveOrder,
    LinksChanged,
    LinksOrder,
)
from activities.types.facts import AppointmentFacts
from activities.words import heard
from models.reads.booking.waitlist import lines_freed_by
from models.reads.journey import journey_facts, project
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.writes.booking.holds import use_hold
from models.writes.locks import lock_appointment, lock_client, lock_therapist
from models.writes.outbox import order_mails
from models.writes.timeline import tell
from rules.booking.series import this_and_following
from rules.enums import AppointmentStatus, Mode
from rules.refusals import Problem, Refusal
from rules.timeline import FactKind

CANCELLED_ON = AnsweredOnce("cancel_following", FollowingChanged)
MOVED_ON = AnsweredOnce("reschedule_following", FollowingChanged)
LINKED = AnsweredOnce("refresh_links", LinksChanged)
Order = TypeVar("Order", FollowingCancelOrder, FollowingMoveOrder)


class SeriesActivities(Activities):
    @activity.defn
    async def cancel_following(self, order: FollowingCancelOrder) -> FollowingChanged:
        """Cancel an appointment and all after it, or none of them. Each has its own fee, if one is due."""
        now = await self.now()
        async with self.transaction() as session:
            asked = await _to_change(session, order, CANCELLED_ON, refuse=refuse_cancel, now=now)
            if isinstance(asked, FollowingChanged):
                return asked
            rows, order = asked
            client = rows[0].client
            refusal = await refuse_waiver_alone(
                session, client, order.by, fee_waived(rows, order, now=now), policy=self.deps.policy, at=now
            )
            if refusal is not None:
                return FollowingChanged(refusal=refusal)
            if not order.confirm:
                return FollowingChanged(would=tuple(would_cancel(row, order, now=now) for row in rows))
            lines = await lines_freed_by(session, client, rows[0].therapist)
            for row in rows:
                await cancel(session, row, order, now=now)
            by_client = order.requested_by_client or not order.by.is_practice
            cancelled = await _changed(session, rows, {}, order=order, by_client=by_client, now=now)
            cancelled = replace(cancelled, lines=lines)
            return CANCELLED_ON.keep(session, client, order, cancelled, at=now)

    @activity.defn
    @looks_again
    async def reschedule_following(self, order: FollowingMoveOrder) -> FollowingChanged:
        """Move an appointment, and all after it with it: all of them or none. Unconfirmed, it is only tested."""
        now = await self.now()
        async with self.transaction() as session:
            asked = await _to_change(session, order, MOVED_ON, refuse=refuse_move, now=now)
            if isinstance(asked, FollowingChanged):
                return asked
            rows, order = asked
            client = rows[0].client
            plan = await plan_move(session, rows, order, now=now)
            if plan.refusal is not None or not order.confirm:
                # The rows cannot be read once their transaction is over.
                would = {str(row.appointment.id): date.starts_at for row, date in zip(rows, plan.free, strict=False)}
                await session.rollback()
                return FollowingChanged(
                    refusal=plan.refusal, moves={} if plan.refusal else would, exceptions=plan.exceptions
                )
            lines = await lines_freed_by(session, client, rows[0].therapist)
            # Moved by a week, each takes the time of the next: only at the end must nothing overlap.
            await session.exec(text("SET CONSTRAINTS no_two_at_once, no_client_twice_at_once DEFERRED"))  # type: ignore[call-overload]
            await use_hold(session, UUID(order.hold_id) if order.hold_id else None, therapist_id=rows[0].therapist.id)
            moving = [
                pair for pair in zip(rows, plan.free, strict=True) if pair[0].appointment.starts_at != pair[1].starts_at
            ]
            if not moving:
                return MOVED_ON.keep(session, client, order, await _as_they_stand(session, rows), at=now)
            before = {str(row.appointment.id): row.appointment.starts_at for row, _ in moving}
            for row, date in moving:
                of_this = [line for line in plan.exceptions if line["week"] == date.week + 1]
                await move(session, row, date, order, exceptions=of_this, now=now)
            by_client = not order.by.is_practice
            moved_rows = [row for row, _ in moving]
            changed = await _changed(session, moved_rows, before, order=order, by_client=by_client, now=now)
            moved = replace(changed, lines=lines, exceptions=plan.exceptions)
            return MOVED_ON.keep(session, client, order, moved, at=now)

    @activity.defn
    async def refresh_links(self, order: LinksOrder) -> LinksChanged:
        """Put the therapist's new Zoom link on the client's appointments ahead that meet there."""
        now = await self.now()
        async with self.transaction() as session:
            found = (await session.exec(select(Therapist.id).where(col(Therapist.slug) == order.therapist))).first()
            if found is None:
                client = await lock_client(session, UUID(order.client_id))
                return LinksChanged(facts=await journey_facts(session, client))
            therapist = await lock_therapist(session, found)
            client = await lock_client(session, UUID(order.client_id))
            given = await LINKED.given(session, client, order)
            if given is not None:
                return given
            outdated = select(Appointment).where(
                col(Appointment.client_id) == client.id,
                col(Appointment.therapist_id) == therapist.id,
                col(Appointment.status) == AppointmentStatus.SCHEDULED,
                col(Appointment.mode) == Mode.ZOOM,
                col(Appointment.starts_at) > now,
                col(Appointment.join_url).is_distinct_from(therapist.zoom_link),
            )
            changed = list(await session.exec(outdated.order_by(col(Appointment.starts_at))))
            for appointment in changed:
                appointment.join_url = therapist.zoom_link
                appointment.sequence += 1
                session.add(appointment)
            ids = [str(appointment.id) for appointment in changed]
            if not ids:
                return LinksChanged(facts=await project(session, client))
            tell(
                session,
                client,
                FactKind.LINKS_CHANGED,
                at=now,
                by=order.by,
                text="The therapist's link has changed; the appointments ahead have the new one.",
                data={"request_id": order.request_id, "appointments": ids},
            )
            await order_mails(session, link_mails(client, order.request_id, ids), at=now)
            refreshed = LinksChanged(facts=await project(session, client))
            return LINKED.keep(session, client, order, refreshed, at=now)


async def _to_change(
    session: AsyncSession,
    order: Order,
    answers: AnsweredOnce[FollowingChanged],
    *,
    refuse: Callable[..., Refusal | None],
    now: datetime,
) -> tuple[list[LockedAppointment], Order] | FollowingChanged:
    """The appointments that are to change, locked, and the order with its words; or the answer, if it was given before
    or one may not change."""
    rows = await _locked_following(session, order, now=now)
    if rows is None:
        return FollowingChanged(refusal=_NOT_THEIRS)
    given = await answers.given(session, rows[0].client, order)
    if given is not None:
        return given
    order = await heard(session, order, about=rows[0].client.id)
    refusal = next((no for row in rows if (no := refuse(row, order, now=now))), None)
    return (rows, order) if refusal is None else FollowingChanged(refusal=refusal)


async def _locked_following(
    session: AsyncSession, order: FollowingCancelOrder | FollowingMoveOrder, *, now: datetime
) -> list[LockedAppointment] | None:
    """The named appointment and those after it, locked, in the order of weeks. None if it is not this client's."""
    found = await session.get(Appointment, UUID(order.appointment_id))
    if found is None or str(found.client_id) != order.client_id:
        return None
    first = LockedAppointment(*await lock_appointment(session, found.id))
    if first.appointment.series_id is None:
        return [first]
    ids = await session.exec(select(Appointment.id).where(col(Appointment.series_id) == first.appointment.series_id))
    rows = {
        str(id): first if id == found.id else LockedAppointment(*await lock_appointment(session, id))
        for id in sorted(ids.all(), key=str)
    }
    wanted = this_and_following(first=first.member, series=[row.member for row in rows.values()], now=now)
    return [rows[member.id] for member in wanted]


async def _changed(
    session: AsyncSession,
    rows: Sequence[LockedAppointment],
    before: dict[str, datetime],
    *,
    order: FollowingCancelOrder | FollowingMoveOrder,
    by_client: bool,
    now: datetime,
) -> FollowingChanged:
    """What has changed, with the mails that tell of it."""
    client = rows[0].client
    changed = FollowingChanged(appointments=_in_time_order(rows), moves=before, changed=True)
    mails = series_mails(client, order.request_id, changed, by_client=by_client)
    await order_mails(session, mails, at=now)
    return replace(changed, journey=await project(session, client))


async def _as_they_stand(session: AsyncSession, rows: Sequence[LockedAppointment]) -> FollowingChanged:
    """Each is where it should be already: nothing moves, and nobody is told."""
    return FollowingChanged(journey=await project(session, rows[0].client), appointments=_in_time_order(rows[:1]))


def _in_time_order(rows: Sequence[LockedAppointment]) -> tuple[AppointmentFacts, ...]:
    return tuple(
        sorted(
            (appointment_facts(row.appointment, row.client, row.therapist, row.payment) for row in rows),
            key=lambda facts: (facts.starts_at, facts.id),
        )
    )


_NOT_THEIRS = Refusal(name=Problem.NOT_FOUND, detail="There is no such appointment of this client.")
