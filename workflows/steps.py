"""The table of steps: every activity that a workflow may ask for, with its types, its label and its retry policy.

``await steps.book(order)`` runs the activity ``book``. Names, and whether a step is local, are fixed by recorded
histories; labels, timeouts and retry policies are not.

Short database writes run as local activities, which cost one marker instead of three events, for at most ten seconds:
where the database is away for longer, the same step goes on as an ordinary activity, whose tries write no history.
Everything that talks to a vendor is an ordinary activity. A database that is away is waited for: giving up after a
write that may have been committed would leave rows that no workflow knows of.

Only what may pass is tried again, and which errors those are the activities say (``activities.failures``). Whatever
else goes wrong fails the step at once, and with it the request; or it becomes a task for the care team.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from types import NoneType
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from temporalio import exceptions, workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.types import (
        accounts,
        archive,
        booking,
        care,
        clients,
        events,
        forms,
        keeping,
        mail,
        money,
        reconciliation,
        sealing,
    )
    from rules.journey.stage import JourneyFacts

if TYPE_CHECKING:
    from typing_extensions import TypeForm

Argument = TypeVar("Argument")
Result = TypeVar("Result")

UNLESS_BROKEN = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30))
"""For our own database: it comes back, and then the step finds what it may already have done."""

LOCALLY = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=6)
"""The first tries of such a step, over after some six seconds. They are counted, because the bound on all of them
together is not kept while the worker waits before the next: a timeout that falls there finds nothing to end
(``complete`` in the SDK core's local_activities.rs), and the workflow task would be kept alive for as long as the
database is away."""

PATIENTLY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5))
"""For money and mails: a vendor's outage is waited for, however long it lasts."""

WHILE_SOMEBODY_WAITS = RetryPolicy(
    initial_interval=timedelta(milliseconds=300),
    maximum_interval=timedelta(seconds=2),
    maximum_attempts=4,
)
"""For calls of a vendor that a person waits for: better a clear answer soon than a late one."""

ONCE = RetryPolicy(maximum_attempts=1)
"""For what the story can do without."""


@dataclass(eq=False)
class Where:
    """Where a step runs: how long one try may take, and how often it must give a sign of life meanwhile."""

    longest: timedelta
    sign_of_life: timedelta | None = None


LOCAL = Where(timedelta(seconds=8))
"""In the workflow's own worker: milliseconds as a rule."""

LOCAL_TRIES = timedelta(seconds=10)
"""All local tries together. Longer than one, which else would be tried again as the whole is over."""

VENDOR = Where(timedelta(seconds=30))
"""An ordinary activity, in any worker."""

DELIVERY = Where(timedelta(minutes=3), sign_of_life=timedelta(seconds=45))
"""An ordinary activity that asks vendors for one thing after the other; each answer is a sign of life."""

PAYMENT = Where(timedelta(minutes=3), sign_of_life=timedelta(seconds=30))
"""An ordinary activity that asks for money, and then mails the receipt; each part ends with a sign of life."""

WEBHOOKS = Where(timedelta(minutes=3), sign_of_life=timedelta(seconds=20))
"""An ordinary activity that calls programs of others, for a minute; it gives a sign of life each second."""

LONG = Where(timedelta(minutes=10), sign_of_life=timedelta(seconds=60))
"""An ordinary activity with many questions to a vendor; each answer is a sign of life."""


@dataclass(frozen=True)
class Step(Generic[Argument, Result]):
    """One line of the table: a step that takes one argument, and is awaited with it. ``summary`` is the label in the
    history; ``within`` bounds all tries together, for a step that the story does not wait for."""

    name: str
    argument: "TypeForm[Argument]"
    result: "TypeForm[Result]"
    summary: str | Callable[[Argument], str]
    retry: RetryPolicy
    where: Where = LOCAL
    within: timedelta | None = None

    async def __call__(self, argument: Argument) -> Result:
        result = cast("type[Result]", self.result)  # the SDK decodes unions too, and says only classes
        label = self.summary if isinstance(self.summary, str) else self.summary(argument)
        if self.where is LOCAL:
            try:
                return await workflow.execute_local_activity(  # type: ignore[no-any-return]
                    self.name,
                    args=(argument,),
                    result_type=result,
                    start_to_close_timeout=self.where.longest,
                    schedule_to_close_timeout=LOCAL_TRIES,
                    retry_policy=LOCALLY,
                    summary=label,
                )
            except exceptions.FailureError as problem:
                error = _as_at_first(problem, self.name)
                if not may_pass(error):
                    raise error from error.cause
        where = VENDOR if self.where is LOCAL else self.where
        return await workflow.execute_activity(  # type: ignore[no-any-return]
            self.name,
            args=(argument,),
            result_type=result,
            start_to_close_timeout=where.longest,
            heartbeat_timeout=where.sign_of_life,
            schedule_to_close_timeout=self.within,
            retry_policy=self.retry,
            summary=label,
        )


def _as_at_first(problem: exceptions.FailureError, step: str) -> exceptions.ActivityError:
    """A failed local activity as its workflow first met it: when its history is replayed, the failure comes bare."""
    if isinstance(problem, exceptions.ActivityError):
        return problem
    error = exceptions.ActivityError(
        "Activity task failed",
        scheduled_event_id=0,
        started_event_id=0,
        identity="",
        activity_type=step,
        activity_id="",
        retry_state=None,
    )
    error.__cause__ = problem
    return error


def may_pass(error: exceptions.ActivityError) -> bool:
    """Whether the step failed for want of something that is away, and may be done later."""
    cause = error.cause
    return not exceptions.is_cancelled_exception(error) and not (
        isinstance(cause, exceptions.ApplicationError) and cause.non_retryable
    )


# ---------------------------------------------------------------- clients and accounts

open_journey = Step(
    "open_journey", clients.NewJourney, clients.Opened, "Make the client and find a therapist", UNLESS_BROKEN
)
match_by_hand = Step(
    "match_by_hand", clients.MatchOrder, clients.Matched, lambda order: f"Assign {order.therapist}", UNLESS_BROKEN
)
activate_account = Step(
    "activate_account", clients.ActivationOrder, clients.Done, "Activate the account", UNLESS_BROKEN
)
change_details = Step("change_details", clients.DetailsOrder, clients.Done, "Change details", UNLESS_BROKEN)
open_task = Step(
    "open_task", clients.TaskOrder, clients.Done, lambda order: f"Open a task: {order.kind.value}", UNLESS_BROKEN
)
resolve_task = Step("resolve_task", clients.TaskResolution, clients.Done, "Resolve a task", UNLESS_BROKEN)
join_records = Step("join_records", clients.JoinOrder, clients.Joined, "Join two records of one person", UNLESS_BROKEN)
resume_journey = Step("resume_journey", str, clients.Resumed, "Read where the client stands", UNLESS_BROKEN)
send_activation_link = Step(
    "send_activation_link", clients.LinkOrder, clients.Done, "Order a new activation link", UNLESS_BROKEN
)
close_anonymous_journey = Step(
    "close_anonymous_journey", clients.CloseOrder, clients.Done, "Close the anonymous journey", UNLESS_BROKEN
)

# An ordinary one: what was accepted stands in the history only after a local one would have run.
message_sender = Step(
    "message_sender",
    accounts.MessageLook,
    accounts.Sender,
    lambda look: f"See who sent {look.message}",
    ONCE,
    VENDOR,
    within=timedelta(seconds=5),
)
note_cancellation = Step(
    "note_cancellation",
    accounts.CancellationLook,
    JourneyFacts,
    "Record that a cancellation was asked for",
    UNLESS_BROKEN,
    VENDOR,
    within=timedelta(minutes=10),
)


# ---------------------------------------------------------------- booking

book = Step(
    "book",
    booking.BookingOrder,
    booking.Booked,
    lambda order: f"Book {order.weeks} x {order.type.value}",
    UNLESS_BROKEN,
)
cancel_following = Step(
    "cancel_following",
    booking.FollowingCancelOrder,
    booking.FollowingChanged,
    "Cancel an appointment and all after it",
    UNLESS_BROKEN,
)
reschedule_following = Step(
    "reschedule_following",
    booking.FollowingMoveOrder,
    booking.FollowingChanged,
    "Move an appointment and all after it",
    UNLESS_BROKEN,
)
refresh_links = Step(
    "refresh_links", booking.LinksOrder, booking.LinksChanged, "Take over the therapist's new link", UNLESS_BROKEN
)
join_waitlist = Step("join_waitlist", booking.WaitOrder, clients.Done, "Take a place on the waitlist", UNLESS_BROKEN)
leave_waitlist = Step(
    "leave_waitlist", booking.LeaveOrder, clients.Done, "Give up a place on the waitlist", UNLESS_BROKEN
)
look_at_line = Step("look_at_line", str, booking.LineLook, "Look at the line", UNLESS_BROKEN)

cancel_appointment = Step(
    "cancel_appointment",
    booking.CancelOrder,
    booking.Changed,
    "Cancel the appointment",
    UNLESS_BROKEN,
)
reschedule_appointment = Step(
    "reschedule_appointment",
    booking.RescheduleOrder,
    booking.Changed,
    "Move the appointment",
    UNLESS_BROKEN,
)
record_outcome = Step(
    "record_outcome",
    booking.OutcomeOrder,
    booking.Changed,
    lambda order: f"Record {order.outcome.value}",
    UNLESS_BROKEN,
)
unmark_outcome = Step("unmark_outcome", booking.UnmarkOrder, booking.Changed, "Take the outcome back", UNLESS_BROKEN)
resume_appointment = Step(
    "resume_appointment", str, booking.AppointmentResumed, "Read the appointment anew", UNLESS_BROKEN
)
appointment_started = Step(
    "appointment_started", str, JourneyFacts, "An appointment starts while forms are missing", UNLESS_BROKEN
)
outcome_overdue = Step(
    "outcome_overdue", clients.TaskOrder, money.Settled, "Open a task: the outcome is missing", UNLESS_BROKEN
)
record_breach = Step("record_breach", str, money.Settled, "Record the breach", UNLESS_BROKEN)


read_calendar = Step(
    "read_calendar", str, events.CalendarLook, "Read a calendar that is kept elsewhere", PATIENTLY, LONG
)


# ---------------------------------------------------------------- forms

submit_form = Step(
    "submit_form",
    forms.FormSubmission,
    clients.Done,
    lambda order: f"Complete {order.kind}",
    WHILE_SOMEBODY_WAITS,
    VENDOR,
)
request_form = Step("request_form", forms.FormAsking, clients.Done, "Ask for a form", UNLESS_BROKEN)
request_new_versions = Step("request_new_versions", str, clients.Done, "Ask for new versions of forms", UNLESS_BROKEN)
form_gates = Step("form_gates", forms.GateOrder, clients.Done, "Bookings wait for a form from now on", UNLESS_BROKEN)
complete_form = Step("complete_form", forms.FormCompletion, clients.Done, "Complete a form", UNLESS_BROKEN)


# ---------------------------------------------------------------- money

set_up_card = Step(
    "set_up_card", money.CardSetupOrder, clients.Done, "Prepare the saving of a card", WHILE_SOMEBODY_WAITS, VENDOR
)
prepare_confirmation = Step(
    "prepare_confirmation",
    money.ConfirmationOrder,
    clients.Done,
    "Prepare a payment for the client to confirm",
    WHILE_SOMEBODY_WAITS,
    VENDOR,
)
grant_credit = Step("grant_credit", money.GrantOrder, clients.Done, "Grant credit", UNLESS_BROKEN)
look_for_refunds = Step(
    "look_for_refunds",
    money.RefundOrder,
    clients.Done,
    "Look what was given back at Stripe",
    WHILE_SOMEBODY_WAITS,
    VENDOR,
)
begin_refund = Step("begin_refund", money.RefundOrder, clients.Done, "Begin a refund", UNLESS_BROKEN)
waive_payment = Step("waive_payment", money.LetGoOrder, clients.Done, "Waive a payment", UNLESS_BROKEN)
write_off_payment = Step("write_off_payment", money.LetGoOrder, clients.Done, "Write a debt off", UNLESS_BROKEN)
refuse_approval = Step(
    "refuse_approval", money.ApprovalRefusal, clients.Done, "Refuse what needs a second person", UNLESS_BROKEN
)
retry_payment = Step("retry_payment", money.RetryOrder, clients.Done, "Try a payment again", UNLESS_BROKEN)

try_payment = Step(
    "try_payment",
    money.AttemptOrder,
    money.Tried,
    lambda order: f"Charge the card, try {order.attempt}",
    PATIENTLY,
    PAYMENT,
)
owe_payment = Step("owe_payment", str, money.Settled, "Record that the payment is owed", PATIENTLY, VENDOR)
handle_inbound_event = Step(
    "handle_inbound_event", str, money.EventHandled, "Look at what was reported", PATIENTLY, VENDOR
)

begin_reconciliation = Step(
    "begin_reconciliation",
    reconciliation.ReconciliationOrder,
    reconciliation.Reconciling,
    "Begin a comparison with Stripe",
    UNLESS_BROKEN,
)
compare_books = Step(
    "compare_books",
    reconciliation.ComparisonOrder,
    reconciliation.ComparisonPage,
    lambda order: f"Compare {order.place.part.replace('_', ' ')}",
    PATIENTLY,
    LONG,
)
settle_differences = Step(
    "settle_differences",
    reconciliation.DiscrepanciesOrder,
    reconciliation.DiscrepanciesSettled,
    "Heal differences, or open tasks",
    PATIENTLY,
    LONG,
)
close_old_differences = Step(
    "close_old_differences",
    reconciliation.OldDiscrepanciesOrder,
    reconciliation.OldDiscrepancies,
    "Look again at earlier differences",
    PATIENTLY,
    LONG,
)
finish_reconciliation = Step(
    "finish_reconciliation",
    reconciliation.ReconciliationEnd,
    reconciliation.Reconciled,
    "End the comparison with Stripe",
    UNLESS_BROKEN,
)


# ---------------------------------------------------------------- care

create_goal = Step("create_goal", care.GoalOrder, clients.Done, "Set a goal", UNLESS_BROKEN)
change_goal = Step("change_goal", care.GoalChange, clients.Done, "Change a goal", UNLESS_BROKEN)
look_at_chat = Step("look_at_chat", care.ChatLook, mail.Delivered, "Look for unread messages", UNLESS_BROKEN)


# ---------------------------------------------------------------- archive

archive_client = Step("archive_client", archive.ArchiveOrder, archive.Archived, "Archive", UNLESS_BROKEN)
unarchive_client = Step(
    "unarchive_client", archive.UnarchiveOrder, archive.Unarchived, "Make active again", UNLESS_BROKEN
)
begin_bulk_archive = Step(
    "begin_bulk_archive", str, archive.BulkBegun, "Read whom an archive of many is about", UNLESS_BROKEN
)
work_off_bulk_archive = Step(
    "work_off_bulk_archive",
    archive.BulkRound,
    archive.BulkLook,
    "Look at what the journeys have recorded",
    UNLESS_BROKEN,
)
stop_bulk_archive = Step(
    "stop_bulk_archive", str, NoneType, "Write down that the archive of many is stopped", UNLESS_BROKEN
)
bring_journeys_back = Step(
    "bring_journeys_back",
    archive.JourneysGone,
    archive.JourneysBack,
    "Start journeys again that have ended",
    UNLESS_BROKEN,
    LONG,
)
finish_bulk_archive = Step("finish_bulk_archive", str, archive.BulkProgress, "End the archive of many", UNLESS_BROKEN)


# ---------------------------------------------------------------- mail

deliver = Step(
    "deliver",
    mail.DeliverOrder,
    mail.Delivered,
    "Deliver what the outbox has",
    UNLESS_BROKEN,
    DELIVERY,
    within=timedelta(minutes=10),
)


# ---------------------------------------------------------------- events

deliver_webhooks = Step(
    "deliver_webhooks", str, events.WebhooksDelivered, "Tell the program of events", UNLESS_BROKEN, WEBHOOKS
)


# ---------------------------------------------------------------- keeping

begin_keeping = Step("begin_keeping", keeping.KeepingOrder, keeping.Began, "Begin a round", PATIENTLY, LONG)
keep_page = Step(
    "keep_page",
    keeping.PageOrder,
    keeping.PageKept,
    lambda order: f"Look whether each {order.place.kind.value} runs",
    PATIENTLY,
    LONG,
)
tell_settings = Step(
    "tell_settings",
    keeping.Place,
    keeping.SettingsTold,
    lambda place: f"Tell each {place.kind.value} of changed settings",
    PATIENTLY,
    LONG,
)
keep_wedged = Step(
    "keep_wedged", keeping.WedgedOrder, keeping.TasksOpened, "Look for workflows that cannot go on", PATIENTLY, LONG
)
note_overdue = Step("note_overdue", str, keeping.TasksOpened, "Look for what has not happened in time", PATIENTLY, LONG)
leave_to_practice_mail = Step(
    "leave_to_practice_mail", str, NoneType, "Leave what waits to be delivered after the end", UNLESS_BROKEN
)
deliver_practice_mail = Step(
    "deliver_practice_mail", str, keeping.PracticeMailed, "Deliver for records that are closed", PATIENTLY, LONG
)
begin_reencryption = Step(
    "begin_reencryption", str, sealing.SealingBegun, "Begin to seal everything anew", UNLESS_BROKEN
)
seal_rows = Step(
    "seal_rows",
    sealing.SealingOrder,
    sealing.SealingLook,
    lambda order: f"Seal rows of {order.place.table} anew",
    PATIENTLY,
    LONG,
)
finish_reencryption = Step("finish_reencryption", sealing.SealingEnd, NoneType, "End the round", UNLESS_BROKEN)
finish_keeping = Step("finish_keeping", keeping.KeepingEnd, keeping.KeepingDone, "End the round", UNLESS_BROKEN)
