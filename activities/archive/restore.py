"""Bringing back what an archive cancelled, in the very step that makes the client active again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import derived_id
from activities.money.payments import move, tell_payment
from activities.reactivation import make_active
from activities.types.archive import UnarchiveOrder
from models.reads.booking.calendar import look_around
from models.reads.money.balance import payment_line
from models.tables.booking.appointment import Appointment
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.tables.money.payment import Payment
from models.writes.booking.holds import drop_expired_holds
from models.writes.locks import lock_payment
from models.writes.timeline import tell
from rules.archive.restore import CancelledLine, RestorePlan, RestoreSituation, is_cancelled_by_archive, plan_restore
from rules.booking.links import join_url_of
from rules.money.payment_states import PaymentEvent
from rules.timeline import FactKind


def archive_change(client_id: UUID | str, request_id: str) -> UUID:
    """What an archive leaves in ``changed_by`` of every appointment that it cancels."""
    return derived_id(client_id, "archive", request_id)


@dataclass(frozen=True, kw_only=True)
class RestoredRows:
    """What came back. ``booked`` are the ids of new appointments, a series as one: each gets one confirmation, as when
    it was booked. ``paying`` are the appointments whose payment is to be made after all."""

    booked: tuple[tuple[str, ...], ...] = ()
    paying: tuple[UUID, ...] = ()


NOTHING_RESTORED = RestoredRows()


async def restore(
    session: AsyncSession, client: Client, order: UnarchiveOrder, *, public_url: str, at: datetime
) -> RestoredRows:
    """Make the client active, book again what was cancelled and is still free, and schedule what was stopped.

    Therapists and client are locked. A fact says what was restored, and what could not be, and why.
    """
    record = client.archive_record or {}
    therapist = await session.get(Therapist, client.therapist_id) if client.therapist_id else None
    cancelled = await _cancelled(session, record)
    plan = plan_restore(await _situation(session, client, therapist, cancelled, record, now=at), now=at)
    work = _Restoring(client=client, order=order, plan=plan, cancelled=cancelled, at=at)
    await make_active(session, client, by=order.by, at=at, request_id=order.request_id, restored=work.as_document())
    if therapist is not None:
        await work.book_again(session, therapist, public_url=public_url)
    await work.schedule_payments(session)
    return work.rows()


async def _cancelled(session: AsyncSession, record: Mapping[str, Any]) -> dict[str, Appointment]:
    """What the archive cancelled, by id, as it stands now."""
    ids = [UUID(line["id"]) for line in record.get("appointments", ())]
    found = await session.exec(select(Appointment).where(col(Appointment.id).in_(ids)))
    return {str(row.id): row for row in found}


async def _situation(
    session: AsyncSession,
    client: Client,
    therapist: Therapist | None,
    cancelled: Mapping[str, Appointment],
    record: Mapping[str, Any],
    *,
    now: datetime,
) -> RestoreSituation:
    slugs = {line["id"]: line["therapist"] for line in record.get("appointments", ())}
    change = str(archive_change(client.id, str(record.get("request_id"))))
    around = None
    if therapist is not None and cancelled:
        rows = list(cancelled.values())
        await drop_expired_holds(session, therapist_id=therapist.id, now=now)
        around = await look_around(
            session,
            therapist,
            client_id=client.id,
            type=rows[0].type,
            starts_at=min(row.starts_at for row in rows),
            until=max(row.ends_at for row in rows),
            now=now,
            beside_own_offer=True,
        )
    return RestoreSituation(
        appointments=tuple(
            CancelledLine(
                id=id,
                type=row.type,
                mode=row.mode,
                therapist=slugs[id],
                starts_at=row.starts_at,
                ends_at=row.ends_at,
                touched=not is_cancelled_by_archive(status=row.status, changed_by=str(row.changed_by), archive=change),
            )
            for id, row in cancelled.items()
        ),
        payments=tuple(payment_line(payment) for payment in await _stopped(session, client)),
        chats=tuple(line["id"] for line in record.get("chats_left", ())),
        therapist=therapist.slug if therapist else None,
        availability=around.availability if around else None,
        zoom=bool(therapist and therapist.zoom_link),
        busy=tuple(around.busy) if around else (),
        client_busy=tuple(around.client_busy) if around else (),
    )


async def _stopped(session: AsyncSession, client: Client) -> Sequence[Payment]:
    """The payments that this archive stopped, and those that were stopped while it lasted because of it: earned,
    declined, or brought along by a record that was joined into this one.

    Of an earlier archive, which was ended without a restore, nothing: that was decided then. What was on its way to the
    card and was paid ended as it should.
    """
    statement = select(Payment).where(
        col(Payment.client_id) == client.id, col(Payment.stopped_at) >= client.archived_at
    )
    return (await session.exec(statement.order_by(col(Payment.due_at), col(Payment.id)))).all()


@dataclass(frozen=True, kw_only=True)
class _Restoring:
    """One restore: what is to be done, and the rows that the archive cancelled, by id."""

    client: Client
    order: UnarchiveOrder
    plan: RestorePlan
    cancelled: Mapping[str, Appointment]
    at: datetime

    def new_id(self, old: str) -> UUID:
        return derived_id(old, "restored", self.order.request_id)

    def series(self, old: str) -> str | None:
        series = self.cancelled[old].series_id
        return str(series) if series else None

    def rows(self) -> RestoredRows:
        together: dict[str, list[str]] = {}
        for line in self.plan.appointments:
            id = str(self.new_id(line.id))
            together.setdefault(self.series(line.id) or id, []).append(id)
        return RestoredRows(
            booked=tuple(tuple(ids) for ids in together.values()),
            paying=tuple(UUID(line.appointment_id) for line in self.plan.payments),
        )

    def as_document(self) -> dict[str, Any]:
        return {
            "restored": {
                "appointments": [
                    {
                        "id": str(self.new_id(line.id)),
                        "restored_from": line.id,
                        "type": line.type.value,
                        "therapist": line.therapist,
                        "starts_at": line.starts_at.isoformat(),
                        "ends_at": line.ends_at.isoformat(),
                        "series_id": self.series(line.id),
                        "exceptions": list(self.plan.set_aside.get(line.id, ())),
                    }
                    for line in self.plan.appointments
                ],
                "payments": [
                    {
                        "id": line.id,
                        "appointment_id": line.appointment_id,
                        "amount": line.amount,
                        "currency": line.currency,
                        "due_at": line.due_at.isoformat(),
                        "deadline": line.deadline.isoformat(),
                    }
                    for line in self.plan.payments
                ],
            },
            "not_restored": [
                {"kind": line.kind, "id": line.id, "because": line.because} for line in self.plan.not_restored
            ],
        }

    async def book_again(self, session: AsyncSession, therapist: Therapist, *, public_url: str) -> None:
        """The old appointments as new ones: the same terms, under new ids. A series stays one series."""
        for line in self.plan.appointments:
            old, id = self.cancelled[line.id], self.new_id(line.id)
            session.add(
                Appointment(
                    id=id,
                    client_id=self.client.id,
                    therapist_id=therapist.id,
                    type=old.type,
                    starts_at=old.starts_at,
                    ends_at=old.ends_at,
                    mode=old.mode,
                    join_url=join_url_of(
                        old.mode, public_url=public_url, appointment_id=id, zoom_link=therapist.zoom_link
                    ),
                    series_id=old.series_id,
                    week=old.week,
                    every=old.every,
                    fee_amount=old.fee_amount,
                    fee_currency=old.fee_currency,
                    booked_by=self.order.by,
                    booked_at=self.at,
                    planned_at=self.at,
                    terms=old.terms,
                    fee_policy_version=old.fee_policy_version,
                    complete_forms_in_session=old.complete_forms_in_session,
                    forms_outstanding_when_booked=list(old.forms_outstanding_when_booked),
                    first_of_its_type=old.first_of_its_type,
                    restored_from=old.id,
                )
            )
        await session.flush()  # occupied time refers to them
        for line in self.plan.appointments:
            id = self.new_id(line.id)
            session.add(
                OccupiedTime(
                    id=id,
                    therapist_id=therapist.id,
                    client_id=self.client.id,
                    appointment_id=id,
                    type=line.type,
                    starts_at=line.starts_at,
                    ends_at=line.ends_at,
                    made_by=self.order.by,
                    made_at=self.at,
                )
            )
            self._tell(session, line, id)
        await session.flush()

    def _tell(self, session: AsyncSession, line: CancelledLine, id: UUID) -> None:
        tell(
            session,
            self.client,
            FactKind.BOOKED,
            at=self.at,
            by=self.order.by,
            text="An appointment that the archive had cancelled was booked again.",
            data={
                "type": line.type.value,
                "mode": line.mode.value,
                "therapist": line.therapist,
                "appointments": [
                    {"id": str(id), "starts_at": line.starts_at.isoformat(), "ends_at": line.ends_at.isoformat()}
                ],
                "restored_from": line.id,
                "exceptions": list(self.plan.set_aside.get(line.id, ())),
            },
        )

    async def schedule_payments(self, session: AsyncSession) -> None:
        for line in self.plan.payments:
            payment = await lock_payment(session, UUID(line.id))
            move(payment, PaymentEvent.RESTORED, at=self.at)
            payment.due_at, payment.deadline = line.due_at, line.deadline
            tell_payment(
                session,
                self.client,
                payment,
                at=self.at,
                by=self.order.by,
                text="A payment that the archive had stopped was scheduled again.",
                data={
                    "payment_id": line.id,
                    "appointment_id": line.appointment_id,
                    "kind": payment.kind.value,
                    "amount": line.amount,
                    "currency": line.currency,
                    "due_at": line.due_at.isoformat(),
                    "restored": True,
                },
            )
        await session.flush()
