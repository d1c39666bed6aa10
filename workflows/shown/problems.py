"""What to do about a problem: for every kind of task, and for every payment that is not settled, what can be sent."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from temporalio import workflow

from workflows.shown.sending import ADDRESS, NOTE, OTHER_RECORD, REASON, START, THERAPIST, Sending, as_list, update
from workflows.shown.words import money

with workflow.unsafe.imports_passed_through():
    from rules.enums import AppointmentType, Mode, Outcome, PaymentStatus, RefundTo, TaskKind
    from rules.journey.stage import OpenTask
    from rules.money.payment_states import Act, how_it_is_settled, may
    from workflows.messages import (
        BOOK,
        CHANGE_DETAILS,
        JOIN,
        MATCH_BY_HAND,
        RECORD_OUTCOME,
        REFUND,
        RESOLVE_TASK,
        RETRY_PAYMENT,
        WAIVE_PAYMENT,
        WRITE_OFF_PAYMENT,
        Update,
        appointment_workflow_id,
    )

_HELPS: Mapping[TaskKind, str] = {
    TaskKind.MATCH_BY_HAND: "No therapist fits what the form says. Choose one who accepts clients.",
    TaskKind.NO_FIRST_SESSION: "Ask the client, and book what you agree on.",
    TaskKind.OUTCOME_MISSING: "Ask the therapist how it went. Nothing is charged until somebody says.",
    TaskKind.CARD_MISSING: "Ask the client for a card: once it is saved with the billing form, the payment is made "
    "without more ado.",
    TaskKind.PAYMENT_OWED: how_it_is_settled(None),
    TaskKind.PAYMENT_FAILED: "Look at it in Stripe first.",
    TaskKind.POSSIBLE_DUPLICATE: "Ask the client. If it is one person, join this record into the other one.",
    TaskKind.MAIL_UNDELIVERABLE: "Ask whom it was for. If the client's address is wrong, put it right.",
    TaskKind.MAILS_WAIT: "They go out by themselves, a few a day, and at once when the client activates the account. "
    "Ask the client; if the address is somebody else's, put it right.",
    TaskKind.DISPUTE: "Answer the bank in Stripe. Nothing is charged to this client until the task is resolved.",
    TaskKind.INQUIRY: "No money has moved. Refund all of it to the card, which ends the inquiry, or answer it in "
    "Stripe; the task says until when.",
    TaskKind.REFUND_FAILED: "The card did not take it. The task says what is left to give, and how.",
    TaskKind.SECOND_PERSON: "Another person than the one who asked approves it or refuses it, on the practice's pages "
    "or by the API: not from here, where nobody knows who you are. What nobody settles lapses after a week.",
    TaskKind.LEDGER_DIFFERENCE: "Compare the payment with Stripe; the task says what differs.",
    TaskKind.STEP_FAILED: "It is tried again every hour. Show the task to whoever runs the system.",
    TaskKind.KEEPS_ENDING: "It is not started again by itself. Show the task to whoever runs the system.",
    TaskKind.OVERDUE: "It should have happened by itself, and has not. Show the task to whoever runs the system.",
    TaskKind.NO_RECORD: "What was asked of it may have to be entered again; the task says where to look.",
    TaskKind.MANY_WEDGED: "Show the task to whoever runs the system; nothing is lost meanwhile.",
    TaskKind.RESTORED: "What came after the copy must be entered again; the task says what.",
    TaskKind.WEBHOOK_OFF: "Nothing is lost. Whoever runs the program mends it, and an admin switches it on.",
    TaskKind.BOOKED_TIME_BUSY: "Ask the therapist whether it can stay; moving or cancelling it settles this.",
    TaskKind.CALENDAR_FAILED: "The therapist gives its address anew, connects it again, or takes it away.",
    TaskKind.SETTINGS_DIFFER: "Show the task to whoever runs the system: all programs are to have the same settings.",
    TaskKind.TEXT_WAITS: "An admin reads both wordings, and publishes the new one or sets the settings back.",
}
_LOOK = "The task says what to look at."
_SETTLED_BY_ITSELF = frozenset(
    (TaskKind.MATCH_BY_HAND, TaskKind.OUTCOME_MISSING, TaskKind.CARD_MISSING, TaskKind.PAYMENT_OWED)
)
_ABOUT_MONEY = frozenset((TaskKind.CARD_MISSING, TaskKind.PAYMENT_OWED, TaskKind.PAYMENT_FAILED, TaskKind.OVERDUE))
_ACTS: Mapping[Act, tuple[str, Update[Any, Any], Mapping[str, str]]] = {
    Act.RETRY: ("Try the card again now", RETRY_PAYMENT, {}),
    Act.WAIVE: ("Waive it, so that nothing is taken", WAIVE_PAYMENT, {"reason": REASON}),
    Act.WRITE_OFF: ("Write it off", WRITE_OFF_PAYMENT, {"reason": REASON}),
    Act.REFUND: ("Give it back to the card", REFUND, {"to": RefundTo.CARD.value, "reason": REASON}),
}


class ShownPayment(Protocol):
    """A payment, as far as it matters what may be done about it."""

    @property
    def id(self) -> str: ...
    @property
    def status(self) -> PaymentStatus: ...
    @property
    def because(self) -> str | None: ...
    @property
    def deadline(self) -> datetime: ...


def describe_task(task: OpenTask, *, now: datetime, chargeable: bool) -> list[str]:
    """A task in words: what it is, what helps, and what to send. ``chargeable``: there is a card that may be asked."""
    kind = TaskKind(task.kind)
    about = f", {money(task.payment.amount, task.payment.currency)}" if task.payment else ""
    where = f" (`{appointment_workflow_id(task.appointment_id)}`)" if task.appointment_id else ""
    sendings = _about_task(task, kind, now=now, chargeable=chargeable)
    return as_problem(f"**{kind.label}**{about}{where}. {_help(task, kind)}", sendings)


def _help(task: OpenTask, kind: TaskKind) -> str:
    """What helps, as it stands now."""
    if kind is TaskKind.PAYMENT_OWED and task.payment:
        return how_it_is_settled(task.payment.because)
    if kind is TaskKind.DISPUTE and task.over:
        return "The bank has decided. Nothing is charged to this client until the task is resolved."
    if kind is TaskKind.REFUND_FAILED and task.payment and not _left_of_refund(task):
        return "Nothing is left to give: the task says why."
    return _HELPS.get(kind, _LOOK)


def as_problem(text: str, sendings: Iterable[Sending] = ()) -> list[str]:
    """A paragraph and a list: the Temporal UI runs the items of a list within a list together."""
    return ["", text, "", *as_list(sendings)]


def about_payment(
    payment: ShownPayment, *, now: datetime, chargeable: bool, workflow_id: str | None = None
) -> Iterator[Sending]:
    """What a person may do about a payment as it stands."""
    for act, (why, message, more) in _ACTS.items():
        if act is Act.RETRY and not chargeable:
            continue
        late = now > payment.deadline
        if may(act, status=payment.status, because=payment.because, past_deadline=late):
            yield update(why, message, workflow_id=workflow_id, payment_id=payment.id, **more)


def saying_how_it_went(*, workflow_id: str | None = None) -> Iterator[Sending]:
    yield update("It took place", RECORD_OUTCOME, workflow_id=workflow_id, outcome=Outcome.OCCURRED.value)
    yield update("The client did not come", RECORD_OUTCOME, workflow_id=workflow_id, outcome=Outcome.NO_SHOW.value)


def matching() -> Sending:
    return update("Assign a therapist", MATCH_BY_HAND, therapist=THERAPIST, reason=REASON)


def booking(type: AppointmentType) -> Sending:
    return update("Book for the client", BOOK, type=type.value, starts_at=START, mode=Mode.VIDEO.value)


def _about_task(task: OpenTask, kind: TaskKind, *, now: datetime, chargeable: bool) -> Iterator[Sending]:
    if kind is TaskKind.MATCH_BY_HAND:
        yield matching()
    elif kind is TaskKind.NO_FIRST_SESSION:
        yield booking(AppointmentType.SESSION)
    elif kind is TaskKind.OUTCOME_MISSING and task.appointment_id:
        yield from saying_how_it_went(workflow_id=appointment_workflow_id(task.appointment_id))
    elif kind in _ABOUT_MONEY and task.payment:
        yield from about_payment(task.payment, now=now, chargeable=chargeable)
    elif kind is TaskKind.POSSIBLE_DUPLICATE:
        yield update("Join it into the other record", JOIN, into_id=task.other_id or OTHER_RECORD)
    elif kind in (TaskKind.MAIL_UNDELIVERABLE, TaskKind.MAILS_WAIT):
        yield update("Put the client's address right", CHANGE_DETAILS, details={"email": ADDRESS})
    elif kind is TaskKind.INQUIRY and task.payment and _may_be_refunded(task.payment):
        refund = {"payment_id": task.payment.id, "to": RefundTo.CARD.value, "reason": REASON}
        yield update("Give all of it back to the card", REFUND, **refund)
    elif kind is TaskKind.REFUND_FAILED and task.payment and (left := _left_of_refund(task)):
        refund = {"payment_id": task.payment.id, "to": RefundTo.CREDIT.value, "reason": REASON}
        yield update("Give it as credit", REFUND, **refund, amount=left)
    if kind not in _SETTLED_BY_ITSELF:
        yield update("When it is done", RESOLVE_TASK, task_id=task.id, note=NOTE)


def _may_be_refunded(payment: ShownPayment) -> bool:
    return may(Act.REFUND, status=payment.status, because=payment.because)


def _left_of_refund(task: OpenTask) -> int:
    """What can still be given of a refund that has failed, in minor units."""
    if task.payment is None or not _may_be_refunded(task.payment):
        return 0
    left = task.payment.amount - task.payment.refunded
    return left if task.amount is None else min(task.amount, left)
