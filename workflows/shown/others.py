"""A waitlist, a comparison with Stripe and an archive of many, in plain words."""

from temporalio import workflow

from workflows.shown.sending import as_list, as_text, signal, update
from workflows.shown.words import at, name_of

with workflow.unsafe.imports_passed_through():
    from activities.types.booking import LineLook
    from activities.types.events import CalendarLook
    from rules.enums import CalendarTrouble
    from workflows.messages import (
        LEAVE_WAITLIST,
        STOP,
        UNARCHIVE,
        BulkArchiveProgress,
        ReconciliationProgress,
        SealingState,
        journey_id,
    )


def describe_line(therapist: str, look: LineLook, *, zone: str) -> str:
    """Markdown for the current details of a therapist's waitlist. ``zone``: the practice's."""
    if not look.line:
        return f"Nobody waits for a time with **{therapist}** any more."
    lines = [f"**{len(look.line)}** waiting for a time with **{therapist}**, first in line first:", ""]
    for place in look.line:
        wish = f"{name_of(place.type)}, from {at(place.wished_from, zone)} until {at(place.wished_until, zone)}"
        offered = ""
        if place.offered is not None and place.offered_until is not None:
            offered = f"; **offered {at(place.offered, zone)}**, held until {at(place.offered_until, zone)}"
        leave = update(
            "Take off the line", LEAVE_WAITLIST, workflow_id=journey_id(place.client_id), place_id=place.place_id
        )
        lines.append(f"1. Client {place.ref}: {wish}{offered}. {leave.line()}")
    if look.look_at is not None:
        lines += ["", f"Next look: {at(look.look_at, zone)}, or when time is freed. It goes on by itself."]
    return as_text(lines)


def describe_reconciliation(view: ReconciliationProgress, *, zone: str) -> str:
    """Markdown for the current details of a comparison with Stripe."""
    if view.since is None or view.until is None:
        return "The comparison of ledger and Stripe begins."
    lines = [f"**The ledger and Stripe**, from {at(view.since, zone)} until {at(view.until, zone)}.", ""]
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
        if view.stopped:
            return as_text([*lines, "", "It has been stopped, and ends with those already asked."])
        stop = signal("To stop it, so that whose turn has not come stays active", STOP)
        return as_text([*lines, "", "It goes on by itself.", "", *as_list([stop])])
    back = signal("To make one active again", UNARCHIVE, workflow_id=journey_id("<the client's id>"))
    return as_text([*lines, "", f"Why of each client: `GET /v1/archives/{view.id}`.", "", *as_list([back])])


def describe_reencryption(state: SealingState) -> str:
    """Markdown for the current details of a round in which everything is sealed anew."""
    lines = [
        f"**Everything that is sealed with an older key is sealed anew**: {state.sealed} rows so far.",
        "",
        f"- Looked at: {state.looked_at}",
    ]
    if state.place is not None:
        return as_text([*lines, f"- Now: `{state.place.table}`", "", "**You can:** wait; it ends by itself."])
    if state.unreadable:
        lines.append(f"- **{state.unreadable} do not open**, and were left as they are: the workers' logs name them")
    return as_text([*lines, "", "It has ended. `python -m ops.encryption_keys` tells which keys are still needed."])


_TROUBLE = {
    CalendarTrouble.AWAY: "whoever has it does not answer",
    CalendarTrouble.NOT_ALLOWED: "its password, consent or secret address counts for nothing there",
    CalendarTrouble.NOT_FOUND: "there is nothing at its address",
    CalendarTrouble.NOT_A_CALENDAR: "what came from there is no calendar, or is broken",
    CalendarTrouble.TOO_LARGE: "it is larger than what is read",
    CalendarTrouble.TOO_SLOW: "its repeating events take too long to write out",
    CalendarTrouble.ADDRESS_REFUSED: "its address leads where nobody is called",
}


def describe_calendar(look: CalendarLook) -> str:
    """Markdown for the current details of a calendar that a therapist keeps elsewhere."""
    if look.look_at is None or look.kind is None:
        return "**This calendar was taken away**, and its busy times with it. Nothing is left to do."
    zone = look.time_zone
    lines = [f"**A calendar that {look.therapist} keeps elsewhere** ({look.kind.value}).", ""]
    lines.append(f"- Read last: {at(look.read_at, zone) if look.read_at else 'never yet'}")
    lines.append(f"- Busy times known: {look.busy}")
    if look.failing_since is not None and look.trouble is not None:
        lines.append(f"- **It cannot be read** since {at(look.failing_since, zone)}: {_TROUBLE[look.trouble]}")
    lines += ["", f"Next look: {at(look.look_at, zone)}. What was read last counts until then."]
    if look.trouble is not None:
        lines += ["", "**You can:** ask the therapist to look at their calendars on the page of their hours."]
    return as_text(lines)
