"""The mails that a client's journey orders into its outbox: which, for what reason, about which appointments."""

from collections.abc import Iterable
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from dataclasses import replace

    from activities.types.booking import Booked, BookingOrder, FollowingChanged
    from activities.types.facts import AppointmentFacts
    from rules.mail.orders import MailOrder, mail_order
    from rules.journey.goals import GoalReminder
    from rules.journey.stage import AskedForm, JourneyFacts
    from rules.mail.kinds import MAILS, Mail, to_both_sides


class MailOrders:
    """Puts orders into the ``box`` of a client's journey, from where its `MailOutbox` sends them."""

    def __init__(self, client_id: str, box: list[MailOrder]) -> None:
        self.client_id = client_id
        self.box = box

    def write(
        self,
        mail: Mail,
        *,
        key: str,
        appointment_ids: Iterable[str] = (),
        asked_for: bool = False,
        text: str = "",
        form_id: str | None = None,
    ) -> None:
        order = self.blank(mail, key=key)
        self.box.append(
            replace(order, appointment_ids=tuple(appointment_ids), asked_for=asked_for, text=text, form_id=form_id)
        )

    def blank(self, mail: Mail, *, key: str) -> MailOrder:
        """An order that does not say yet what it is about. ``key``: the reason, made of stable ids."""
        return mail_order(mail, key=f"{mail}:{self.client_id}:{key}", client_id=self.client_id)

    def of_message(self, chat_id: str, seq: int) -> None:
        """That a message waits in a chat; ``seq`` is the number of the newest."""
        self.box.append(replace(self.blank(Mail.NEW_MESSAGE, key=f"{chat_id}:{seq}"), chat_id=chat_id))

    def of_booking(self, order: BookingOrder, result: Booked, facts: JourneyFacts) -> None:
        ids = tuple(appointment.id for appointment in result.appointments)
        key = order.request_id
        if result.first:
            self.write(Mail.ALREADY_KNOWN if result.known_elsewhere else Mail.WELCOME, key="first")
        self.write(Mail.BOOKING_CONFIRMATION, key=key, appointment_ids=ids)
        if result.first and facts.outstanding_forms:
            self.write(Mail.FORMS_REQUESTED, key="first")
        self.write(Mail.APPOINTMENT_BOOKED, key=key, appointment_ids=ids)
        if result.unarchived:
            self.write(Mail.CLIENT_BACK, key=key, appointment_ids=ids)

    def of_cancellation(self, appointment: AppointmentFacts) -> None:
        """The ordinary, neutral cancellation, to the client and to the therapist's calendar."""
        for mail in to_both_sides(Mail.APPOINTMENT_CANCELLED):
            self.write(
                mail,
                key=f"cancelled:{appointment.id}",
                appointment_ids=(appointment.id,),
                text=change_told(mail, "cancelled"),
            )

    def of_forms(self, asked: Iterable[AskedForm]) -> None:
        """Forms asked for again in a new version: one mail for the intake forms of one moment, and one for each of the
        practice's own, which an unsubscribed client does not get. Told of twice, it is one mail."""
        together = dict[datetime, list[str]]()
        for form in asked:
            if form.intake:
                together.setdefault(form.asked_at, []).append(form.id)
            else:
                self.write(Mail.FORMS_REQUESTED, key=form.id, form_id=form.id)
        for at, ids in together.items():
            order = self.blank(Mail.FORMS_REQUESTED, key=at.isoformat())
            self.box.append(replace(order, form_ids=tuple(ids)))

    def of_goals(self, goals: Iterable[GoalReminder], *, key: str) -> None:
        """One reminder of goals that are due together."""
        order = self.blank(Mail.GOAL_REMINDER, key=key)
        self.box.append(replace(order, goals={goal.id: goal.since for goal in goals}))

    def of_share(self, share_id: str) -> None:
        """That a document waits. Told of twice, it is one mail."""
        order = replace(self.blank(Mail.DOCUMENT_SHARED, key=share_id), share_id=share_id)
        if all(other.key != order.key for other in self.box):
            self.box.append(order)

    def of_change_from_here_on(self, request_id: str, change: FollowingChanged, *, by_client: bool) -> None:
        """An appointment and those after it were moved or cancelled: one mail to each side, with a file for each."""
        about, word = (
            (Mail.APPOINTMENT_RESCHEDULED, "moved") if change.moves else (Mail.APPOINTMENT_CANCELLED, "cancelled")
        )
        # One that finds itself where it was (the others came back into its rhythm) has no time before.
        moves = {
            one.id: change.moves[one.id]
            for one in change.appointments
            if change.moves.get(one.id, one.starts_at) != one.starts_at
        }
        for mail in to_both_sides(about):
            self.box.append(
                replace(
                    self.blank(mail, key=request_id),
                    appointment_ids=tuple(one.id for one in change.appointments),
                    text=change_told(mail, word),
                    by_client=by_client,
                    moves=moves,
                )
            )


def change_told(mail: Mail, change: str) -> str:
    """The text of a mail about a change: ``change`` (moved or cancelled), where the mail is of either."""
    return change if "change" in MAILS[mail].needs else ""
