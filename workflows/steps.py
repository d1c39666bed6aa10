"""The table of steps: every activity that a workflow may ask for, with its types, its label and its retry policy.

``await steps.book(order)`` runs the activity ``book``. Names, and whether a step is local, are fixed by recorded
histories; labels, timeouts and retry policies are not.

Short database writes run as local activities, which cost one marker instead of three events. Everything that talks to
a vendor is an ordinary activity. A database that is away is waited for: giving up after a write that may have been
committed would leave rows that no workflow knows of.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.types import accounts, archive, booking, care, clients, forms, mail, money, reconciliation
    from rules.journey.stage import JourneyFacts
    from rules.policy import JourneyPolicy

if TYPE_CHECKING:
    from typing_extensions import TypeForm

Argument = TypeVar("Argument")
Further = TypeVar("Further")
Result = TypeVar("Result")

UNTIL_DONE = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30))
"""For writes to our own database: it comes back, and then the step finds what it may already have done."""

UNLESS_BROKEN = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    maximum_interval=timedelta(seconds=30),
    non_retryable_error_types=[
        "AttributeError",
        "DataError",
        "IndexError",
        "IntegrityError",
        "KeyError",
        "NoSuchMove",
        "OverflowError",
        "ProgrammingError",
        "RowMissing",
        "TypeError",
        "ValueError",
    ],
)
"""For writes that somebody asked for: what no waiting can heal fails the request, not the whole journey."""

PATIENTLY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5))
"""For money: a vendor's outage is waited for, however long it lasts."""

UNLESS_REFUSED = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_interval=timedelta(minutes=5),
    non_retryable_error_types=["GatewayRejected", *(UNLESS_BROKEN.non_retryable_error_types or ())],
)
"""For errands at Stripe: outages are waited for, but what is refused today is refused tomorrow, and others wait behind
it. The comparison of the books finds what was left undone."""

UNLESS_UNWRITABLE = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_interval=timedelta(minutes=5),
    non_retryable_error_types=[
        "DataError",
        "IncompleteMail",
        "UndefinedError",
        "UnknownMail",
        "ValueError",
        "ZoneInfoNotFoundError",
    ],
)
"""For mails: outages are waited for, but what cannot be written today cannot be tomorrow, and others wait behind it."""

WHILE_SOMEBODY_WAITS = RetryPolicy(
    initial_interval=timedelta(milliseconds=300),
    maximum_interval=timedelta(seconds=2),
    maximum_attempts=4,
    non_retryable_error_types=["GatewayRejected"],
)
"""For calls of a vendor that a person waits for: better a clear answer soon than a late one."""

ONCE = RetryPolicy(maximum_attempts=1)
"""For what the story can do without."""


@dataclass(eq=False)
class Where:
    """Where a step runs: how long one try may take, and how often it must give a sign of life meanwhile."""

    longest: timedelta
    sign_of_life: timedelta | None = None


LOCAL = Where(timedelta(seconds=30))
"""In the workflow's own worker: milliseconds as a rule; a burst of bookings with one therapist waits in line."""

VENDOR = Where(timedelta(seconds=30))
"""An ordinary activity, in any worker."""

LONG = Where(timedelta(minutes=10), sign_of_life=timedelta(seconds=60))
"""An ordinary activity with many questions to a vendor; each answer is a sign of life."""


@dataclass(frozen=True)
class _Entry(Generic[Argument, Result]):
    """One line of the table. ``summary`` is the label in the history; ``within`` bounds all tries together, for a step
    that the story does not wait for."""

    name: str
    argument: "TypeForm[Argument]"
    result: "TypeForm[Result]"
    summary: str | Callable[[Argument], str]
    retry: RetryPolicy
    where: Where = LOCAL
    within: timedelta | None = None

    async def _run(self, argument: Argument, *further: object) -> Result:
        arguments = (argument, *further)
        result = cast("type[Result]", self.result)  # the SDK decodes unions too, and says only classes
        label = self.summary if isinstance(self.summary, str) else self.summary(argument)
        if self.where is LOCAL:
            return await workflow.execute_local_activity(  # type: ignore[no-any-return]
                self.name,
                args=arguments,
                result_type=result,
                start_to_close_timeout=self.where.longest,
                schedule_to_close_timeout=self.within,
                retry_policy=self.retry,
                summary=label,
            )
        return await workflow.execute_activity(  # type: ignore[no-any-return]
            self.name,
            args=arguments,
            result_type=result,
            start_to_close_timeout=self.where.longest,
            schedule_to_close_timeout=self.within,
            heartbeat_timeout=self.where.sign_of_life,
            retry_policy=self.retry,
            summary=label,
        )


class Step(_Entry[Argument, Result]):
    """A step that takes one argument, and is awaited with it."""

    async def __call__(self, argument: Argument) -> Result:
        return await self._run(argument)


@dataclass(frozen=True)
class StepWith(_Entry[Argument, Result], Generic[Argument, Result, Further]):
    """A step that takes one argument more, of the type ``further``."""

    further: "TypeForm[Further]" = field(kw_only=True)

    async def __call__(self, argument: Argument, further: Further) -> Result:
        return await self._run(argument, further)


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
    "open_task", clients.TaskOrder, clients.Done, lambda order: f"Open a task: {order.kind.value}", UNTIL_DONE
)
resolve_task = Step("resolve_task", clients.TaskResolution, clients.Done, "Resolve a task", UNLESS_BROKEN)
join_records = Step("join_records", clients.JoinOrder, clients.Joined, "Join two records of one person", UNLESS_BROKEN)
close_anonymous_journey = Step(
    "close_anonymous_journey", clients.CloseOrder, clients.Done, "Close the anonymous journey", UNTIL_DONE
)

# An ordinary step: a local one would be waited for with the answer, which then would tell by its time.
notice_double = Step("notice_double", str, clients.Done, "See whether the address is known", UNTIL_DONE, VENDOR)

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
cancel_following = StepWith(
    "cancel_following",
    booking.FollowingCancelOrder,
    booking.FollowingChanged,
    "Cancel an appointment and all after it",
    UNLESS_BROKEN,
    further=JourneyPolicy,
)
reschedule_following = StepWith(
    "reschedule_following",
    booking.FollowingMoveOrder,
    booking.FollowingChanged,
    "Move an appointment and all after it",
    UNLESS_BROKEN,
    further=JourneyPolicy,
)
refresh_links = Step(
    "refresh_links", booking.LinksOrder, booking.LinksChanged, "Take over the therapist's new link", UNTIL_DONE
)
join_waitlist = Step("join_waitlist", booking.WaitOrder, clients.Done, "Take a place on the waitlist", UNLESS_BROKEN)
leave_waitlist = Step(
    "leave_waitlist", booking.LeaveOrder, clients.Done, "Give up a place on the waitlist", UNLESS_BROKEN
)
look_at_line = StepWith("look_at_line", str, booking.LineLook, "Look at the line", UNTIL_DONE, further=JourneyPolicy)

cancel_appointment = StepWith(
    "cancel_appointment",
    booking.CancelOrder,
    booking.Changed,
    "Cancel the appointment",
    UNLESS_BROKEN,
    further=JourneyPolicy,
)
reschedule_appointment = StepWith(
    "reschedule_appointment",
    booking.RescheduleOrder,
    booking.Changed,
    "Move the appointment",
    UNLESS_BROKEN,
    further=JourneyPolicy,
)
record_outcome = StepWith(
    "record_outcome",
    booking.OutcomeOrder,
    booking.Changed,
    lambda order: f"Record {order.outcome.value}",
    UNLESS_BROKEN,
    further=JourneyPolicy,
)
appointment_started = Step("appointment_started", str, money.Settled, "The appointment starts", UNTIL_DONE)
outcome_overdue = Step(
    "outcome_overdue", clients.TaskOrder, money.Settled, "Open a task: the outcome is missing", UNTIL_DONE
)
record_breach = Step("record_breach", str, money.Settled, "Record the breach", UNTIL_DONE)


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
request_new_versions = Step("request_new_versions", str, forms.Asked, "Ask for new versions of forms", UNTIL_DONE)
form_gates = Step("form_gates", forms.GateOrder, clients.Done, "Bookings wait for a form from now on", UNTIL_DONE)
complete_form = Step("complete_form", forms.FormCompletion, clients.Done, "Complete a form", UNLESS_BROKEN)


# ---------------------------------------------------------------- money

set_up_card = Step(
    "set_up_card", clients.LinkOrder, clients.Done, "Prepare the saving of a card", WHILE_SOMEBODY_WAITS, VENDOR
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
begin_refund = Step("begin_refund", money.RefundOrder, clients.Done, "Begin a refund", UNLESS_BROKEN)
waive_payment = Step("waive_payment", money.LetGoOrder, clients.Done, "Waive a payment", UNLESS_BROKEN)
write_off_payment = Step("write_off_payment", money.LetGoOrder, clients.Done, "Write a debt off", UNLESS_BROKEN)
retry_payment = Step("retry_payment", money.RetryOrder, clients.Done, "Try a payment again", UNLESS_BROKEN)

start_attempt = Step(
    "start_attempt", money.AttemptOrder, money.AttemptStarted, lambda order: f"Start try {order.attempt}", UNTIL_DONE
)
charge_card = Step(
    "charge_card",
    money.AttemptOrder,
    money.Charged | None,
    lambda order: f"Charge the card, try {order.attempt}",
    PATIENTLY,
    VENDOR,
)
finish_attempt = StepWith(
    "finish_attempt",
    money.AttemptResult,
    money.Settled,
    lambda result: f"Record try {result.attempt}",
    UNTIL_DONE,
    further=JourneyPolicy,
)
owe_payment = Step("owe_payment", str, money.Settled, "Record that the payment is owed", PATIENTLY, VENDOR)
cancel_intent = StepWith(
    "cancel_intent", str, money.Settled | None, "Cancel an open payment at Stripe", UNLESS_REFUSED, VENDOR, further=str
)
send_refund = Step("send_refund", str, money.Settled | None, "Give money back to the card", UNLESS_REFUSED, VENDOR)
handle_inbound_event = Step(
    "handle_inbound_event", str, money.EventHandled, "Look at what was reported", PATIENTLY, VENDOR
)

begin_reconciliation = Step(
    "begin_reconciliation",
    reconciliation.ReconciliationOrder,
    reconciliation.Reconciling,
    "Begin a comparison with Stripe",
    UNTIL_DONE,
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
    UNTIL_DONE,
)


# ---------------------------------------------------------------- care

create_goal = Step("create_goal", care.GoalOrder, clients.Done, "Set a goal", UNLESS_BROKEN)
change_goal = Step("change_goal", care.GoalChange, clients.Done, "Change a goal", UNLESS_BROKEN)
look_at_chat = Step("look_at_chat", care.ChatLook, care.UnreadMessages, "Look for unread messages", UNTIL_DONE)


# ---------------------------------------------------------------- archive

archive_client = StepWith(
    "archive_client", archive.ArchiveOrder, archive.Archived, "Archive", UNTIL_DONE, further=JourneyPolicy
)
unarchive_client = Step("unarchive_client", archive.UnarchiveOrder, archive.Unarchived, "Make active again", UNTIL_DONE)
begin_bulk_archive = Step(
    "begin_bulk_archive",
    archive.BulkArchiveOrder,
    archive.BulkProgress,
    lambda order: f"Begin an archive of {len(order.client_ids)} clients",
    UNLESS_BROKEN,
)
work_off_bulk_archive = Step(
    "work_off_bulk_archive", archive.BulkRound, archive.BulkLook, "Look at what the journeys have recorded", UNTIL_DONE
)
finish_bulk_archive = Step("finish_bulk_archive", str, archive.BulkProgress, "End the archive of many", UNTIL_DONE)


# ---------------------------------------------------------------- mail

send_mail = StepWith(
    "send_mail",
    mail.MailOrder,
    mail.MailResult,
    lambda order: f"Mail {order.template} to the {order.to}",
    UNLESS_UNWRITABLE,
    VENDOR,
    further=JourneyPolicy,
)
