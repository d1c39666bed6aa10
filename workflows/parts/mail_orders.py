"""The mails that a client's journey orders: which, for what reason, about which appointments."""

from collections.abc import Iterable
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.types import AppointmentFacts, Booked, BookingOrder, FollowingChanged, MailOrder
    from rules.journey.goals import GOAL_REMINDER, GoalReminder
    from rules.journey.stage import AskedForm, JourneyFacts


class Letters:
    """Puts orders into the ``box`` of a client's journey, from where the Postman sends them."""

    def __init__(self, client_id: str, box: list[MailOrder]) -> None:
        self.client_id = client_id
        self.box = box

    def write(
        self,
        template: str,
        *,
        key: str,
        to: str = "client",
        appointment_ids: Iterable[str] = (),
        vital: bool = False,
        asked_for: bool = False,
        text: str = "",
        form_id: str | None = None,
    ) -> None:
        self.box.append(
            MailOrder(
                key=f"{template}:{self.client_id}:{key}",
                template=template,
                client_id=self.client_id,
                to=to,
                appointment_ids=tuple(appointment_ids),
                vital=vital,
                asked_for=asked_for,
                text=text,
                form_id=form_id,
            )
        )

    def of_message(self, chat_id: str, seq: int) -> None:
        """That a message waits in a chat; ``seq`` is the number of the newest."""
        key = f"new_message:{self.client_id}:{chat_id}:{seq}"
        self.box.append(MailOrder(key=key, template="new_message", client_id=self.client_id, chat_id=chat_id))

    def of_booking(self, order: BookingOrder, result: Booked, facts: JourneyFacts) -> None:
        ids = tuple(appointment.id for appointment in result.appointments)
        key = order.request_id
        if result.first:
            self.write("already_known" if result.known_elsewhere else "welcome", key="first", vital=True)
        self.write("booking_confirmation", key=key, appointment_ids=ids, vital=True)
        if result.first and facts.outstanding_forms:
            self.write("forms_requested", key="first")
        self.write("appointment_booked", key=key, to="therapist", appointment_ids=ids, vital=True)
        if result.unarchived:
            self.write("client_back", key=key, to="therapist", appointment_ids=ids)

    def of_cancellation(self, appointment: AppointmentFacts) -> None:
        """The ordinary, neutral cancellation, to the client and to the therapist's calendar."""
        for to, template in (("client", "appointment_cancelled"), ("therapist", "appointment_changed")):
            self.write(
                template,
                key=f"cancelled:{appointment.id}",
                to=to,
                appointment_ids=(appointment.id,),
                vital=True,
                text="cancelled" if to == "therapist" else "",
            )

    def of_forms(self, asked: Iterable[AskedForm]) -> None:
        """Forms asked for again in a new version: one mail for the intake forms of one moment, and one for each of the
        practice's own, which an unsubscribed client does not get. Told of twice, it is one mail."""
        together = dict[datetime, list[str]]()
        for form in asked:
            if form.intake:
                together.setdefault(form.asked_at, []).append(form.id)
            else:
                self.write("forms_requested", key=form.id, form_id=form.id)
        for at, ids in together.items():
            key = f"forms_requested:{self.client_id}:{at.isoformat()}"
            order = MailOrder(key=key, template="forms_requested", client_id=self.client_id, form_ids=tuple(ids))
            self.box.append(order)

    def of_goals(self, goals: Iterable[GoalReminder], *, key: str) -> None:
        """One reminder of goals that are due together."""
        self.box.append(
            MailOrder(
                key=f"{GOAL_REMINDER}:{self.client_id}:{key}",
                template=GOAL_REMINDER,
                client_id=self.client_id,
                goals={goal.id: goal.since for goal in goals},
            )
        )

    def of_share(self, share_id: str) -> None:
        """That a document waits. Told of twice, it is one mail."""
        key = f"document_shared:{self.client_id}:{share_id}"
        if all(order.key != key for order in self.box):
            self.box.append(MailOrder(key=key, template="document_shared", client_id=self.client_id, share_id=share_id))

    def of_change_from_here_on(self, request_id: str, change: FollowingChanged, *, by_client: bool) -> None:
        """An appointment and those after it were moved or cancelled: one mail to each side, with a file for each."""
        template, word = (
            ("appointment_rescheduled", "moved") if change.moves else ("appointment_cancelled", "cancelled")
        )
        # One that finds itself where it was (the others came back into its rhythm) has no time before.
        moves = {
            one.id: change.moves[one.id]
            for one in change.appointments
            if change.moves.get(one.id, one.starts_at) != one.starts_at
        }
        for to, name in (("client", template), ("therapist", "appointment_changed")):
            self.box.append(
                MailOrder(
                    key=f"{name}:{self.client_id}:{request_id}",
                    template=name,
                    client_id=self.client_id,
                    to=to,
                    appointment_ids=tuple(one.id for one in change.appointments),
                    vital=True,
                    text=word if to == "therapist" else "",
                    by_client=by_client,
                    moves=moves,
                )
            )
