"""An appointment in plain words: how it stands, what its payment waits for, and what to send."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from temporalio import workflow

from workflows.shown.problems import about_payment, saying_how_it_went
from workflows.shown.sending import REASON, START, as_list, as_text, update
from workflows.shown.words import at, label_of, money, name_of, person

with workflow.unsafe.imports_passed_through():
    from activities.types.facts import AppointmentFacts, PaymentFacts
    from rules.enums import AppointmentStatus, Outcome, PaymentStatus
    from rules.journey.reminders import Due
    from rules.money.payment_states import WAITING, WAITS_FOR_CARD
    from workflows.messages import CANCEL, RESCHEDULE, UNMARK_OUTCOME, journey_id


def describe_appointment(facts: AppointmentFacts, plan: list[Due], *, now: datetime, zone: str) -> str:
    """Markdown for an appointment's current details. ``zone``: the practice's, in which times are told."""
    what = f"{person(facts.first_name, facts.ref)}: {name_of(facts.type)} with {facts.therapist}"
    status, awaited = facts.status.value.replace("_", " "), waiting_for(facts, plan, zone=zone)
    lines = [f"{what}, **{at(facts.starts_at, zone)}**. It is **{status}**, waiting for {awaited}."]
    if facts.status is AppointmentStatus.SCHEDULED:
        lines += _while_scheduled(facts, now=now)
    if facts.payment is not None:
        lines += ["", "### Payment", "", *_about_money(facts, facts.payment, now=now, zone=zone)]
    lines += ["", f"The client's journey is `{journey_id(facts.client_id)}`."]
    return as_text(lines)


def summary_of(facts: AppointmentFacts, *, zone: str) -> str:
    """One line for lists. It is given at the start, and stays as it is when the appointment is moved."""
    return f"{name_of(facts.type)} of client {facts.ref}, {at(facts.starts_at, zone)}, with {facts.therapist}"


def waiting_for(facts: AppointmentFacts, plan: list[Due], *, zone: str) -> str:
    if facts.status is AppointmentStatus.SCHEDULED:
        if facts.client_archived:
            return "its outcome; no timer runs while the client is archived"
        return f"{label_of(plan[0])} ({at(plan[0].at, zone)})" if plan else "its outcome"
    payment = facts.payment
    if payment is None:
        return "nothing"
    if payment.frozen and payment.status in WAITING:
        return (
            f"the task about a dispute to be resolved, until {at(payment.deadline, zone)}; nothing is charged meanwhile"
        )
    if payment.status is PaymentStatus.SCHEDULED:
        return f"the payment to be due ({at(payment.due_at, zone)})"
    if payment.status is PaymentStatus.FAILED and payment.next_try_at is not None:
        return f"the next try ({at(payment.next_try_at, zone)})"
    if payment.status is PaymentStatus.FAILED:
        return f"a new card, until {at(payment.deadline, zone)}"
    if payment.status is PaymentStatus.REQUIRES_ACTION:
        return f"the client to confirm the payment, until {at(payment.deadline, zone)}"
    if payment.status is PaymentStatus.PROCESSING:
        return "Stripe's answer"
    return "nothing"


def _while_scheduled(facts: AppointmentFacts, *, now: datetime) -> Iterator[str]:
    # No timer tells of its start, so these words must hold before it, while it runs, and after.
    yield ""
    yield "**How did it go?** Say it once it is over: nothing is charged before that."
    yield ""
    yield from as_list(saying_how_it_went())
    if facts.starts_at <= now:
        return
    yield ""
    yield "### What you can send before it begins"
    yield ""
    sendings = [
        update("Move it", RESCHEDULE, starts_at=START, reason=REASON),
        update("Cancel it, for a reason of the practice: no fee", CANCEL, reason=REASON),
        update("Cancel it because the client asks: inside the notice window the fee is due", CANCEL, **_BY_CLIENT),
        update("Only ask what a cancellation would mean", CANCEL, **_BY_CLIENT, confirm=False),
    ]
    yield from as_list(sendings)


_BY_CLIENT: Mapping[str, Any] = {"requested_by_client": True, "reason": REASON}

_HELPS = {
    PaymentStatus.PROCESSING: "Stripe is asked. There is nothing to do: it goes on by itself, also if Stripe is away.",
    PaymentStatus.REQUIRES_ACTION: "The bank wants the client to confirm it. The client has a link by mail.",
    PaymentStatus.OWED: "The client has a link to pay it, and a new card settles it too.",
}


def _about_money(facts: AppointmentFacts, payment: PaymentFacts, *, now: datetime, zone: str) -> Iterator[str]:
    yield f"- {money(payment.amount, payment.currency)}: **{payment.status.value.replace('_', ' ')}**"
    if payment.credit_used:
        yield f"- Of it by credit: {money(payment.credit_used, payment.currency)}"
    if payment.refunded:
        yield f"- Given back: {money(payment.refunded, payment.currency)}"
    yield f"- Due {at(payment.due_at, zone)}, deadline {at(payment.deadline, zone)}, tries so far: {payment.attempts}"
    wants_card = payment.because in WAITS_FOR_CARD
    if payment.frozen and payment.status in WAITING:
        yield "- The bank disputes a charge. Nothing is taken until that task is resolved in the client's journey."
    elif wants_card and payment.status is PaymentStatus.FAILED:
        yield "- A card is wanted: ask the client. Once it is saved with the billing form, it is charged by itself."
    elif payment.status in _HELPS:
        yield f"- {_HELPS[payment.status]}"
    chargeable = not (wants_card or payment.frozen)
    sendings = about_payment(payment, now=now, chargeable=chargeable, workflow_id=journey_id(facts.client_id))
    yield from as_list(sendings)
    if payment.status is PaymentStatus.SCHEDULED:  # nothing was asked of a card yet
        instead = _corrections(facts)
        yield from as_list(each for each in saying_how_it_went() if each.input["outcome"] in instead)
        if instead:
            back = {"workflow_id": journey_id(facts.client_id), "appointment_id": facts.id}
            yield from as_list([update("Take the mark back, as if nobody had said yet", UNMARK_OUTCOME, **back)])


def _corrections(facts: AppointmentFacts) -> frozenset[str]:
    """What could be said instead of the outcome that is known."""
    said = {outcome.value for outcome in Outcome}
    return frozenset(said - {facts.status.value}) if facts.status.value in said else frozenset()
