"""Typed calls of activities: the one place that knows names, timeouts and retry policies.

Short database writes run as local activities, which cost one marker instead of three events. Everything that talks to
a vendor is an ordinary activity. A database that is away is waited for: giving up after a write that may have been
committed would leave rows that no workflow knows of.
"""

from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.types import (
        ActivationOrder,
        Archived,
        ArchiveOrder,
        Asked,
        AttemptOrder,
        AttemptResult,
        AttemptStarted,
        Booked,
        BookingOrder,
        BooksLook,
        BooksOrder,
        BulkArchiveOrder,
        BulkLook,
        BulkProgress,
        BulkRound,
        CancelOrder,
        Changed,
        Charged,
        ChatLook,
        ChatNews,
        CloseOrder,
        ConfirmationOrder,
        DetailsOrder,
        DifferencesOrder,
        DifferencesSettled,
        Done,
        EventHandled,
        FollowingCancelOrder,
        FollowingChanged,
        FollowingMoveOrder,
        FormAsking,
        FormCompletion,
        FormSubmission,
        GateOrder,
        GoalChange,
        GoalOrder,
        GrantOrder,
        Joined,
        JoinOrder,
        LeaveOrder,
        LetGoOrder,
        LineLook,
        LinkOrder,
        LinksChanged,
        LinksOrder,
        MailOrder,
        MailResult,
        Matched,
        MatchOrder,
        NewJourney,
        OldDifferences,
        OldDifferencesOrder,
        Opened,
        OutcomeOrder,
        Reconciled,
        ReconciliationEnd,
        ReconciliationOrder,
        Reconciling,
        RefundOrder,
        RescheduleOrder,
        RetryOrder,
        Settled,
        SignalLook,
        TaskOrder,
        TaskResolution,
        Unarchived,
        UnarchiveOrder,
        WaitOrder,
    )
    from rules.policy import JourneyPolicy

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

_GLANCE = timedelta(seconds=2)
_QUICK = timedelta(seconds=30)  # milliseconds as a rule; a burst of bookings with one therapist waits in line
_VENDOR = timedelta(seconds=30)
_LONG = timedelta(minutes=10)  # many questions to a vendor; each answer is a sign of life
_SIGN_OF_LIFE = timedelta(seconds=60)


async def _write(
    name: str,
    *arguments: Any,
    result: type[Result],
    summary: str,
    retry_policy: RetryPolicy = UNTIL_DONE,
    within: timedelta | None = None,
) -> Result:
    """A short, idempotent database write; all of it ``within`` a time, if the story does not wait for it."""
    return await workflow.execute_local_activity(  # type: ignore[no-any-return]
        name,
        args=arguments,
        result_type=result,
        start_to_close_timeout=_QUICK,
        schedule_to_close_timeout=within,
        retry_policy=retry_policy,
        summary=summary,
    )


async def _call(
    name: str,
    *arguments: Any,
    result: type[Result],
    summary: str,
    retry_policy: RetryPolicy = PATIENTLY,
    long: bool = False,
) -> Result:
    """A step that asks a vendor; a ``long`` one asks often, and says in between that it lives."""
    return await workflow.execute_activity(  # type: ignore[no-any-return]
        name,
        args=arguments,
        result_type=result,
        start_to_close_timeout=_LONG if long else _VENDOR,
        heartbeat_timeout=_SIGN_OF_LIFE if long else None,
        retry_policy=retry_policy,
        summary=summary,
    )


# ---------------------------------------------------------------- the journey


async def open_journey(new: NewJourney) -> Opened:
    return await _write(
        "open_journey", new, result=Opened, summary="Make the client and find a therapist", retry_policy=UNLESS_BROKEN
    )


async def match_by_hand(order: MatchOrder) -> Matched:
    return await _write(
        "match_by_hand", order, result=Matched, summary=f"Assign {order.therapist}", retry_policy=UNLESS_BROKEN
    )


async def book(order: BookingOrder) -> Booked:
    return await _write(
        "book", order, result=Booked, summary=f"Book {order.weeks} x {order.type.value}", retry_policy=UNLESS_BROKEN
    )


async def cancel_following(order: FollowingCancelOrder, policy: JourneyPolicy) -> FollowingChanged:
    return await _write(
        "cancel_following",
        order,
        policy,
        result=FollowingChanged,
        summary="Cancel an appointment and all after it",
        retry_policy=UNLESS_BROKEN,
    )


async def reschedule_following(order: FollowingMoveOrder, policy: JourneyPolicy) -> FollowingChanged:
    return await _write(
        "reschedule_following",
        order,
        policy,
        result=FollowingChanged,
        summary="Move an appointment and all after it",
        retry_policy=UNLESS_BROKEN,
    )


async def refresh_links(order: LinksOrder) -> LinksChanged:
    return await _write("refresh_links", order, result=LinksChanged, summary="Take over the therapist's new link")


async def join_waitlist(order: WaitOrder) -> Done:
    return await _write(
        "join_waitlist", order, result=Done, summary="Take a place on the waitlist", retry_policy=UNLESS_BROKEN
    )


async def leave_waitlist(order: LeaveOrder) -> Done:
    return await _write(
        "leave_waitlist", order, result=Done, summary="Give up a place on the waitlist", retry_policy=UNLESS_BROKEN
    )


async def activate_account(order: ActivationOrder) -> Done:
    return await _write(
        "activate_account", order, result=Done, summary="Activate the account", retry_policy=UNLESS_BROKEN
    )


async def change_details(order: DetailsOrder) -> Done:
    return await _write("change_details", order, result=Done, summary="Change details", retry_policy=UNLESS_BROKEN)


async def set_up_card(order: LinkOrder) -> Done:
    return await _call(
        "set_up_card", order, result=Done, summary="Prepare the saving of a card", retry_policy=WHILE_SOMEBODY_WAITS
    )


async def prepare_confirmation(order: ConfirmationOrder) -> Done:
    return await _call(
        "prepare_confirmation",
        order,
        result=Done,
        summary="Prepare a payment for the client to confirm",
        retry_policy=WHILE_SOMEBODY_WAITS,
    )


async def submit_form(order: FormSubmission) -> Done:
    return await _call(
        "submit_form", order, result=Done, summary=f"Complete {order.kind}", retry_policy=WHILE_SOMEBODY_WAITS
    )


async def request_form(order: FormAsking) -> Done:
    return await _write("request_form", order, result=Done, summary="Ask for a form", retry_policy=UNLESS_BROKEN)


async def request_new_versions(client_id: str) -> Asked:
    return await _write("request_new_versions", client_id, result=Asked, summary="Ask for new versions of forms")


async def form_gates(order: GateOrder) -> Done:
    return await _write("form_gates", order, result=Done, summary="Bookings wait for a form from now on")


async def complete_form(order: FormCompletion) -> Done:
    return await _write("complete_form", order, result=Done, summary="Complete a form", retry_policy=UNLESS_BROKEN)


async def create_goal(order: GoalOrder) -> Done:
    return await _write("create_goal", order, result=Done, summary="Set a goal", retry_policy=UNLESS_BROKEN)


async def change_goal(order: GoalChange) -> Done:
    return await _write("change_goal", order, result=Done, summary="Change a goal", retry_policy=UNLESS_BROKEN)


async def open_task(order: TaskOrder) -> Done:
    return await _write("open_task", order, result=Done, summary=f"Open a task: {order.kind.value}")


async def resolve_task(order: TaskResolution) -> Done:
    return await _write("resolve_task", order, result=Done, summary="Resolve a task", retry_policy=UNLESS_BROKEN)


async def notice_double(client_id: str) -> Done:
    """An ordinary step: a short one would be waited for with the answer, which then would tell by its time."""
    return await _call(
        "notice_double", client_id, result=Done, summary="See whether the address is known", retry_policy=UNTIL_DONE
    )


async def join_records(order: JoinOrder) -> Joined:
    return await _write(
        "join_records", order, result=Joined, summary="Join two records of one person", retry_policy=UNLESS_BROKEN
    )


async def close_anonymous_journey(order: CloseOrder) -> Done:
    return await _write("close_anonymous_journey", order, result=Done, summary="Close the anonymous journey")


async def signal_sender(look: SignalLook) -> str | None:
    return await _write(
        "signal_sender",
        look,
        result=str | None,  # type: ignore[arg-type]
        summary="See who sent the signal",
        retry_policy=ONCE,
        within=_GLANCE,
    )


async def archive_client(order: ArchiveOrder, policy: JourneyPolicy) -> Archived:
    return await _write("archive_client", order, policy, result=Archived, summary="Archive")


async def unarchive_client(order: UnarchiveOrder) -> Unarchived:
    return await _write("unarchive_client", order, result=Unarchived, summary="Make active again")


async def begin_bulk_archive(order: BulkArchiveOrder) -> BulkProgress:
    return await _write(
        "begin_bulk_archive",
        order,
        result=BulkProgress,
        summary=f"Begin an archive of {len(order.client_ids)} clients",
        retry_policy=UNLESS_BROKEN,
    )


async def work_off_bulk_archive(order: BulkRound) -> BulkLook:
    return await _write(
        "work_off_bulk_archive", order, result=BulkLook, summary="Look at what the journeys have recorded"
    )


async def finish_bulk_archive(id: str) -> BulkProgress:
    return await _write("finish_bulk_archive", id, result=BulkProgress, summary="End the archive of many")


async def cancel_intent(client_id: str, intent: str) -> Settled | None:
    return await _call(
        "cancel_intent",
        client_id,
        intent,
        result=Settled | None,  # type: ignore[arg-type]
        summary="Cancel an open payment at Stripe",
        retry_policy=UNLESS_REFUSED,
    )


async def send_refund(refund_id: str) -> Settled | None:
    return await _call(
        "send_refund",
        refund_id,
        result=Settled | None,  # type: ignore[arg-type]
        summary="Give money back to the card",
        retry_policy=UNLESS_REFUSED,
    )


async def grant_credit(order: GrantOrder) -> Done:
    return await _write("grant_credit", order, result=Done, summary="Grant credit", retry_policy=UNLESS_BROKEN)


async def begin_refund(order: RefundOrder) -> Done:
    return await _write("begin_refund", order, result=Done, summary="Begin a refund", retry_policy=UNLESS_BROKEN)


async def waive_payment(order: LetGoOrder) -> Done:
    return await _write("waive_payment", order, result=Done, summary="Waive a payment", retry_policy=UNLESS_BROKEN)


async def write_off_payment(order: LetGoOrder) -> Done:
    return await _write("write_off_payment", order, result=Done, summary="Write a debt off", retry_policy=UNLESS_BROKEN)


async def retry_payment(order: RetryOrder) -> Done:
    return await _write("retry_payment", order, result=Done, summary="Try a payment again", retry_policy=UNLESS_BROKEN)


async def handle_inbound_event(event_id: str) -> EventHandled:
    return await _call("handle_inbound_event", event_id, result=EventHandled, summary="Look at what was reported")


async def send_mail(order: MailOrder, policy: JourneyPolicy) -> MailResult:
    return await _call(
        "send_mail",
        order,
        policy,
        result=MailResult,
        summary=f"Mail {order.template} to the {order.to}",
        retry_policy=UNLESS_UNWRITABLE,
    )


async def look_at_chat(look: ChatLook) -> ChatNews:
    return await _write("look_at_chat", look, result=ChatNews, summary="Look for unread messages")


# ---------------------------------------------------------------- a waitlist


async def look_at_line(therapist: str, policy: JourneyPolicy) -> LineLook:
    return await _write("look_at_line", therapist, policy, result=LineLook, summary="Look at the line")


# ---------------------------------------------------------------- one appointment


async def cancel_appointment(order: CancelOrder, policy: JourneyPolicy) -> Changed:
    return await _write(
        "cancel_appointment",
        order,
        policy,
        result=Changed,
        summary="Cancel the appointment",
        retry_policy=UNLESS_BROKEN,
    )


async def reschedule_appointment(order: RescheduleOrder, policy: JourneyPolicy) -> Changed:
    return await _write(
        "reschedule_appointment",
        order,
        policy,
        result=Changed,
        summary="Move the appointment",
        retry_policy=UNLESS_BROKEN,
    )


async def record_outcome(order: OutcomeOrder, policy: JourneyPolicy) -> Changed:
    return await _write(
        "record_outcome",
        order,
        policy,
        result=Changed,
        summary=f"Record {order.outcome.value}",
        retry_policy=UNLESS_BROKEN,
    )


async def appointment_started(appointment_id: str) -> Settled:
    return await _write("appointment_started", appointment_id, result=Settled, summary="The appointment starts")


async def outcome_overdue(order: TaskOrder) -> Settled:
    return await _write("outcome_overdue", order, result=Settled, summary="Open a task: the outcome is missing")


async def record_breach(appointment_id: str) -> Settled:
    return await _write("record_breach", appointment_id, result=Settled, summary="Record the breach")


# ---------------------------------------------------------------- money


async def start_attempt(order: AttemptOrder) -> AttemptStarted:
    return await _write("start_attempt", order, result=AttemptStarted, summary=f"Start try {order.attempt}")


async def charge_card(order: AttemptOrder) -> Charged | None:
    return await _call(
        "charge_card",
        order,
        result=Charged | None,  # type: ignore[arg-type]
        summary=f"Charge the card, try {order.attempt}",
    )


async def finish_attempt(result: AttemptResult, policy: JourneyPolicy) -> Settled:
    return await _write("finish_attempt", result, policy, result=Settled, summary=f"Record try {result.attempt}")


async def owe_payment(payment_id: str) -> Settled:
    return await _call("owe_payment", payment_id, result=Settled, summary="Record that the payment is owed")


# ---------------------------------------------------------------- the comparison with Stripe


async def begin_reconciliation(order: ReconciliationOrder) -> Reconciling:
    return await _write("begin_reconciliation", order, result=Reconciling, summary="Begin a comparison with Stripe")


async def compare_books(order: BooksOrder) -> BooksLook:
    part = order.place.part.replace("_", " ")
    return await _call("compare_books", order, result=BooksLook, summary=f"Compare {part}", long=True)


async def settle_differences(order: DifferencesOrder) -> DifferencesSettled:
    return await _call(
        "settle_differences", order, result=DifferencesSettled, summary="Heal differences, or open tasks", long=True
    )


async def close_old_differences(order: OldDifferencesOrder) -> OldDifferences:
    return await _call(
        "close_old_differences", order, result=OldDifferences, summary="Look again at earlier differences", long=True
    )


async def finish_reconciliation(end: ReconciliationEnd) -> Reconciled:
    return await _write("finish_reconciliation", end, result=Reconciled, summary="End the comparison with Stripe")
