"""The mails by which client and therapist hear of appointments that were cancelled or moved."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from activities.locked import LockedAppointment
from activities.types.booking import FollowingChanged
from models.tables.clients.client import Client
from models.writes.outbox import client_mail
from rules.mail.kinds import MAILS, Mail, to_both_sides
from rules.mail.orders import LINKED, MailOrder


def cancellation_mails(client: Client, appointment_id: UUID | str) -> list[MailOrder]:
    """The ordinary, neutral cancellation, to the client and to the therapist's calendar."""
    about = {"appointment_ids": (str(appointment_id),)}
    return [
        client_mail(mail, client, f"cancelled:{appointment_id}", text=change_told(mail, "cancelled"), **about)
        for mail in to_both_sides(Mail.APPOINTMENT_CANCELLED)
    ]


def change_mails(
    row: LockedAppointment, about: Mail, change: str, *, by_client: bool, was: datetime | None = None
) -> list[MailOrder]:
    """One appointment was moved from ``was``, or cancelled: a mail to each side, with a calendar file."""
    id = str(row.appointment.id)
    return [
        client_mail(
            mail,
            row.client,
            f"{id}:{row.appointment.sequence}",
            appointment_ids=(id,),
            payment_id=str(row.payment.id) if row.payment else None,
            text=change_told(mail, change),
            by_client=by_client,
            moves={} if was is None else {id: was},
        )
        for mail in to_both_sides(about)
    ]


def series_mails(client: Client, request_id: str, change: FollowingChanged, *, by_client: bool) -> list[MailOrder]:
    """An appointment and those after it were moved or cancelled: one mail to each side, with a file for each."""
    about, word = (Mail.APPOINTMENT_RESCHEDULED, "moved") if change.moves else (Mail.APPOINTMENT_CANCELLED, "cancelled")
    # One that finds itself where it was (the others came back into its rhythm) has no time before.
    moves = {
        one.id: change.moves[one.id]
        for one in change.appointments
        if change.moves.get(one.id, one.starts_at) != one.starts_at
    }
    ids: Sequence[str] = [one.id for one in change.appointments]
    return [
        client_mail(
            mail,
            client,
            request_id,
            appointment_ids=tuple(ids),
            text=change_told(mail, word),
            by_client=by_client,
            moves=moves,
        )
        for mail in to_both_sides(about)
    ]


def link_mails(client: Client, request_id: str, ids: Sequence[str]) -> list[MailOrder]:
    """Appointments are joined by another link: one mail to each side, with a file for each. The times stay."""
    return [
        client_mail(mail, client, request_id, appointment_ids=tuple(ids), text=change_told(mail, LINKED))
        for mail in to_both_sides(Mail.APPOINTMENT_UPDATED)
    ]


def change_told(mail: Mail, change: str) -> str:
    """The text of a mail about a change: ``change`` (moved, cancelled or linked), where the mail is of any."""
    return change if "change" in MAILS[mail].needs else ""
