"""The table of steps: every activity that a workflow may ask for, with its types, its label and its retry policy.

``await steps.book(order)`` runs the activity ``book``. Names, and whether a step is local, are fixed by recorded
histories; labels, timeouts and retry policies are not.
"""

from datetime import timedelta

from temporalio import workflow

from workflows.parts.step import (
    LONG,
    ONCE,
    PATIENTLY,
    UNLESS_BROKEN,
    UNLESS_REFUSED,
    UNLESS_UNWRITABLE,
    UNTIL_DONE,
    VENDOR,
    WHILE_SOMEBODY_WAITS,
    Step,
    StepWith,
)

with workflow.unsafe.imports_passed_through():
    from activities.types import archive, booking, clients, mail, money, reconciliation
    from rules.policy import JourneyPolicy

_GLANCE = timedelta(seconds=2)


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
    "open_task", mail.TaskOrder, clients.Done, lambda order: f"Open a task: {order.kind.value}", UNTIL_DONE
)
resolve_task = Step("resolve_task", clients.TaskResolution, clients.Done, "Resolve a task", UNLESS_BROKEN)
join_records = Step("join_records", clients.JoinOrder, clients.Joined, "Join two records of one person", UNLESS_BROKEN)
close_anonymous_journey = Step(
    "close_anonymous_journey", mail.CloseOrder, clients.Done, "Close the anonymous journey", UNTIL_DONE
)

# An ordinary step: a local one would be waited for with the answer, which then would tell by its time.
notice_double = Step("notice_double", str, clients.Done, "See whether the address is known", UNTIL_DONE, VENDOR)

signal_sender = Step("signal_sender", archive.SignalLook, str | None, "See who sent the signal", ONCE, within=_GLANCE)


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
    "outcome_overdue", mail.TaskOrder, money.Settled, "Open a task: the outcome is missing", UNTIL_DONE
)
record_breach = Step("record_breach", str, money.Settled, "Record the breach", UNTIL_DONE)


# ---------------------------------------------------------------- forms

submit_form = Step(
    "submit_form",
    clients.FormSubmission,
    clients.Done,
    lambda order: f"Complete {order.kind}",
    WHILE_SOMEBODY_WAITS,
    VENDOR,
)
request_form = Step("request_form", clients.FormAsking, clients.Done, "Ask for a form", UNLESS_BROKEN)
complete_form = Step("complete_form", clients.FormCompletion, clients.Done, "Complete a form", UNLESS_BROKEN)


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
    reconciliation.BooksOrder,
    reconciliation.BooksLook,
    lambda order: f"Compare {order.place.part.replace('_', ' ')}",
    PATIENTLY,
    LONG,
)
settle_differences = Step(
    "settle_differences",
    reconciliation.DifferencesOrder,
    reconciliation.DifferencesSettled,
    "Heal differences, or open tasks",
    PATIENTLY,
    LONG,
)
close_old_differences = Step(
    "close_old_differences",
    reconciliation.OldDifferencesOrder,
    reconciliation.OldDifferences,
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

create_goal = Step("create_goal", clients.GoalOrder, clients.Done, "Set a goal", UNLESS_BROKEN)
change_goal = Step("change_goal", clients.GoalChange, clients.Done, "Change a goal", UNLESS_BROKEN)
look_at_chat = Step("look_at_chat", mail.ChatLook, mail.ChatNews, "Look for unread messages", UNTIL_DONE)


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
