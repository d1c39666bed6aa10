"""What a support person reads in the Temporal UI: where things stand, what is awaited, and what may be done now."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.types.booking import LineLook
    from activities.types.facts import AppointmentFacts
    from rules.enums import AppointmentStatus, PaymentStatus, Stage
    from rules.journey.reminders import (
        ANONYMOUS_EXPIRY,
        APPOINTMENT_STARTS,
        FIRST_SESSION_TASK,
        FORM_GATES,
        OUTCOME_BREACH,
        OUTCOME_TASK,
        Due,
    )
    from rules.journey.stage import JourneyFacts, stage_of
    from rules.mail.kinds import MAILS
    from rules.money.payment_states import WAITING
    from workflows.messages import BulkArchiveProgress, ReconciliationProgress

WAITING_FOR = {
    Stage.MATCHING: "a person to assign a therapist",
    Stage.FIRST_BOOKING: "the first booking",
    Stage.ACTIVATION: "the client to activate the account",
    Stage.INTAKE: "the client to complete the intake forms",
    Stage.INTRO_CALL: "the intro call",
    Stage.SCHEDULING: "the next booking",
    Stage.IN_CARE: "the sessions, and whatever is booked next",
    Stage.ARCHIVED: "an `unarchive` signal, or a booking; no timer runs",
}

ACTIONS = {
    Stage.MATCHING: "Assign a therapist (update `match_by_hand`), or send the signal `archive`.",
    Stage.ARCHIVED: "Send the signal `unarchive`. Any booking also makes the client active again.",
}
_ANY_TIME = "Book, re-match, change details, or send the signal `archive` (no input needed)."
_OF_A_LINE = (
    "**You can:** book for a client, change the wish, or take one off the line (updates `join_waitlist` and "
    "`leave_waitlist` of the client's journey)."
)

_STOP_IT = (
    "wait, it goes on by itself; or send the signal `stop` (no input needed): whose turn has not come stays active"
)
_BRING_BACK = "To make one active again, send the signal `unarchive` to the client's journey."

_DUE: dict[str, str] = {
    ANONYMOUS_EXPIRY: "closing, if nobody gives a name or books",
    FORM_GATES: "bookings waiting for a form that was asked for again",
    FIRST_SESSION_TASK: "a task for the care team, if no session is booked",
    APPOINTMENT_STARTS: "the start",
    OUTCOME_TASK: "a task for the care team: the outcome is missing",
    OUTCOME_BREACH: "recording that the outcome came too late",
    **{mail.value: kind.in_ui for mail, kind in MAILS.items() if kind.in_ui},
}


def label_of(due: Due) -> str:
    return _DUE.get(due.kind, "mail " + due.kind.replace("_", " "))


def describe_journey(facts: JourneyFacts, plan: list[Due]) -> str:
    """Markdown for the journey's current details."""
    stage = stage_of(facts)
    lines = [
        f"**Client {facts.ref}** is in stage **{stage.value}**, waiting for {WAITING_FOR[stage]}.",
        "",
        f"- Therapist: {facts.therapist or 'none yet'}",
        f"- Account: {'active' if facts.account_active else 'not active'}",
        f"- Intake forms outstanding: {', '.join(facts.outstanding_forms) or 'none'}",
    ]
    intake = sum(form.intake for form in facts.asked_forms)
    if intake:
        lines.append(f"- Intake forms asked for in a new version: {intake}")
    if len(facts.asked_forms) > intake:
        lines.append(f"- Other forms asked for: {len(facts.asked_forms) - intake}")
    if facts.goals:
        lines.append(f"- Goals with a weekly reminder: {len(facts.goals)}")
    lines += [f"- Open: {a.type.value}, {_at(a.starts_at)} (`appointment:{a.id}`)" for a in facts.open_appointments]
    lines += [f"- **Needs attention:** {task.kind.replace('_', ' ')}" for task in facts.open_tasks]
    lines.append(f"- Next: {label_of(plan[0])}, {_at(plan[0].at)}" if plan else "- Next: nothing is timed")
    lines += ["", f"**You can:** {ACTIONS.get(stage, _ANY_TIME)}"]
    return "\n".join(lines)


def describe_joined(ref: str, into: str) -> str:
    """Markdown for the current details of a record that was joined into another."""
    return (
        f"The record of client {ref} was **joined into another of the same person**, and is closed."
        f"\n\n**You can:** look at `client-journey:{into}`."
    )


def describe_appointment(facts: AppointmentFacts, plan: list[Due]) -> str:
    """Markdown for an appointment's current details."""
    payment = facts.payment
    what = f"**{facts.type.value}** of client {facts.ref} with {facts.therapist}, {_at(facts.starts_at)}"
    lines = [f"{what}: **{facts.status.value}**, waiting for {waiting_for(facts, plan)}."]
    if payment is not None:
        lines += [
            "",
            f"- Payment: {payment.status.value}, {payment.amount} {payment.currency} in minor units",
            f"- Due {_at(payment.due_at)}, deadline {_at(payment.deadline)}, tries so far: {payment.attempts}",
        ]
    if facts.status is AppointmentStatus.SCHEDULED:
        lines += ["", "**You can:** record the outcome (once it has started), cancel or reschedule it, by update."]
    return "\n".join(lines)


def describe_line(therapist: str, look: LineLook) -> str:
    """Markdown for the current details of a therapist's waitlist."""
    if not look.line:
        return f"Nobody waits for a time with **{therapist}** any more."
    lines = [f"**{len(look.line)}** waiting for a time with **{therapist}**, first in line first:", ""]
    for place in look.line:
        wish = f"{place.type.value}, from {_at(place.wished_from)} until {_at(place.wished_until)}"
        offered = ""
        if place.offered is not None and place.offered_until is not None:
            offered = f"; **offered {_at(place.offered)}**, held until {_at(place.offered_until)}"
        lines.append(f"1. Client {place.ref}: {wish} (place `{place.place_id}`){offered}")
    if look.look_at is not None:
        lines += ["", f"- Next look: {_at(look.look_at)}, or when time is freed"]
    lines += ["", _OF_A_LINE]
    return "\n".join(lines)


def describe_reconciliation(view: ReconciliationProgress) -> str:
    """Markdown for the current details of a comparison with Stripe."""
    if view.since is None or view.until is None:
        return "The comparison of ledger and Stripe begins."
    lines = [f"**The ledger and Stripe**, from {_at(view.since)} until {_at(view.until)}.", ""]
    lines += [f"- Compared: {number} {name.replace('_', ' ')}" for name, number in view.compared.items()]
    if view.result is None:
        part = (view.comparing or "earlier differences").replace("_", " ")
        return "\n".join([*lines, f"- Looking at: {part}", "", "**You can:** wait; it ends by itself."])
    if view.result.stopped:
        lines += ["- **It was stopped** before all was compared", "", "**You can:** start another; it does no harm."]
        return "\n".join(lines)
    healed, differences = view.result.healed, view.result.differences
    lines += [f"- Healed: {healed}", f"- Differences for a person: {differences}"]
    todo = "look at the open tasks `ledger_difference`" if differences else "nothing: the books agree"
    return "\n".join([*lines, "", f"**You can:** {todo}."])


def describe_bulk_archive(view: BulkArchiveProgress) -> str:
    """Markdown for the current details of an archive of many."""
    running = view.status == "running"
    what = f"**An archive of {view.total} clients**, asked for by {view.asked_by}"
    lines = [
        f"{what}: **{view.done} of {view.total}** done." if running else f"{what}, is finished.",
        "",
        f"- Archived: {view.archived}",
        f"- Skipped: {view.skipped}",
        f"- Failed: {view.failed}",
    ]
    if running:
        lines.append(f"- Waiting for: {view.waiting_for} journeys to record it")
        stop = "it has been stopped, and ends with those already asked" if view.stopped else _STOP_IT
        lines += ["", f"**You can:** {stop}."]
    else:
        lines += ["", f"**You can:** read why of each client (`GET /v1/archives/{view.id}`). {_BRING_BACK}"]
    return "\n".join(lines)


def waiting_for(facts: AppointmentFacts, plan: list[Due]) -> str:
    if facts.status is AppointmentStatus.SCHEDULED:
        if facts.client_archived:
            return "its outcome; no timer runs while the client is archived"
        return f"{label_of(plan[0])} ({_at(plan[0].at)})" if plan else "its outcome"
    payment = facts.payment
    if payment is None:
        return "nothing"
    if payment.frozen and payment.status in WAITING:
        return f"the task about a dispute to be resolved, until {_at(payment.deadline)}; nothing is charged meanwhile"
    if payment.status is PaymentStatus.SCHEDULED:
        return f"the payment to be due ({_at(payment.due_at)})"
    if payment.status is PaymentStatus.FAILED and payment.next_try_at is not None:
        return f"the next try ({_at(payment.next_try_at)})"
    if payment.status is PaymentStatus.FAILED:
        return f"a new card, until {_at(payment.deadline)}"
    if payment.status is PaymentStatus.REQUIRES_ACTION:
        return f"the client to confirm the payment, until {_at(payment.deadline)}"
    if payment.status is PaymentStatus.PROCESSING:
        return "Stripe's answer"
    return "nothing"


def _at(instant: datetime) -> str:
    return instant.strftime("%a %d %b %Y %H:%M UTC")
