"""A client's journey in plain words: who it is, what needs a person and what to send, what comes next."""

from collections.abc import Iterator
from datetime import datetime

from temporalio import workflow

from workflows.shown.problems import as_problem, booking, describe_task, matching, saying_how_it_went
from workflows.shown.sending import REASON, Sending, as_list, as_text, signal, update
from workflows.shown.words import at, label_of, name_of, person

with workflow.unsafe.imports_passed_through():
    from rules.enums import AppointmentType, Stage, TaskKind
    from rules.journey.reminders import Due
    from rules.journey.stage import JourneyFacts, stage_of
    from workflows.messages import ARCHIVE, SEND_ACTIVATION_LINK, UNARCHIVE, appointment_workflow_id, journey_id

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


def describe_journey(facts: JourneyFacts, plan: list[Due], *, now: datetime, zone: str) -> str:
    """Markdown for the journey's current details. ``zone``: the practice's, in which times are told."""
    stage = stage_of(facts)
    problems = _problems(facts, now=now, zone=zone)
    lines = [f"{person(facts.first_name, facts.ref)} is in stage **{stage.value}**, waiting for {WAITING_FOR[stage]}."]
    if problems:
        lines += ["", "### Needs a person", *problems]
    lines += ["", "### Where things stand", "", *_standing(facts, zone=zone)]
    lines.append(f"- Next: {label_of(plan[0])}, {at(plan[0].at, zone)}" if plan else "- Next: nothing is timed")
    lines += ["", "### What you can send at any time", "", *as_list(_at_any_time(facts))]
    return as_text(lines)


def describe_joined(facts: JourneyFacts, into: str) -> str:
    """Markdown for the current details of a record that was joined into another."""
    return (
        f"The record of {person(facts.first_name, facts.ref)} was **joined into another of the same person**, and is "
        f"closed.\n\nGo on in `{journey_id(into)}`."
    )


def _problems(facts: JourneyFacts, *, now: datetime, zone: str) -> list[str]:
    """Everything that a person can help with, what the care team was asked for first."""
    lines: list[str] = []
    disputed = any(task.kind == TaskKind.DISPUTE for task in facts.open_tasks)
    chargeable = facts.card is not None and not disputed
    for task in facts.open_tasks:
        lines += describe_task(task, now=now, chargeable=chargeable)
    asked = {task.appointment_id for task in facts.open_tasks if task.kind == TaskKind.OUTCOME_MISSING}
    for appointment in facts.open_appointments:
        if appointment.starts_at <= now and appointment.id not in asked:
            when = f"the {name_of(appointment.type)} of {at(appointment.starts_at, zone)}"
            lines += as_problem(
                f"**How did it go?** Nobody has said of {when} yet. Say it once it is over.",
                saying_how_it_went(workflow_id=appointment_workflow_id(appointment.id)),
            )
    if facts.archived:
        return lines
    if facts.therapist is None and not any(task.kind == TaskKind.MATCH_BY_HAND for task in facts.open_tasks):
        lines += as_problem("**Nobody is matched.**", [matching()])
    if facts.first_booked_at is not None and not facts.account_active:
        link = update("Mail a new link, if it was lost or is older than its days", SEND_ACTIVATION_LINK)
        text = "**The account is not active.** The client activates it by the link in the welcome mail."
        lines += as_problem(text, [link])
    if facts.first_booked_at is not None and facts.outstanding_forms:
        forms = ", ".join(form.replace("_", " ") for form in facts.outstanding_forms)
        lines += as_problem(
            f"**Forms are missing**: {forms}. The client fills them in on their page, or with the therapist in the "
            "session. Until then the client cannot book, but you can."
        )
    return lines


def _standing(facts: JourneyFacts, *, zone: str) -> Iterator[str]:
    yield f"- Therapist: {facts.therapist or 'none yet'}"
    yield f"- Account: {'active' if facts.account_active else 'not active'}"
    yield f"- Card: {'saved' if facts.card else 'none that can be charged'}"
    intake = sum(form.intake for form in facts.asked_forms)
    if intake:
        yield f"- Intake forms asked for in a new version: {intake}"
    if len(facts.asked_forms) > intake:
        yield f"- Other forms asked for: {len(facts.asked_forms) - intake}"
    if facts.goals:
        yield f"- Goals with a weekly reminder: {len(facts.goals)}"
    for appointment in facts.open_appointments:
        when = at(appointment.starts_at, zone)
        yield f"- Open: {name_of(appointment.type)}, {when} (`{appointment_workflow_id(appointment.id)}`)"


def _at_any_time(facts: JourneyFacts) -> Iterator[Sending]:
    if facts.archived:
        yield signal("Make the client active again", UNARCHIVE)
        yield signal("And bring back what the archive cancelled, where it can be", UNARCHIVE, restore=True)
    else:
        yield signal("Archive the client, who is not told", ARCHIVE)
        yield signal("Archive, and say why", ARCHIVE, reason=REASON)
    if facts.therapist is not None:
        held = facts.intro_occurred_at is not None or facts.session_booked or facts.session_occurred
        yield booking(AppointmentType.SESSION if held else AppointmentType.INTRO_CALL)
