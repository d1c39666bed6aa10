"""What falls due when: every timed message of a journey and of an appointment, from the facts alone.

Each function gives the whole plan; whoever follows it skips what is already past when it is first planned.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.enums import AppointmentType
from rules.journey.goals import GOAL_REMINDER, SAME_WEEK, is_due_at, next_reminder
from rules.journey.stage import JourneyFacts
from rules.policy import JourneyPolicy

ANONYMOUS_EXPIRY = "anonymous_expiry"
FIRST_SESSION_TASK = "first_session_task"
CARD_EXPIRING = "card_expiring"
APPOINTMENT_REMINDER = "appointment_reminder"
APPOINTMENT_STARTS = "appointment_starts"
OUTCOME_NUDGE = "mark_outcome"
OUTCOME_TASK = "outcome_task"
OUTCOME_BREACH = "outcome_breach"
NEW_MESSAGE = "new_message"
FORM_GATES = "form_gates"


@dataclass(frozen=True, kw_only=True, order=True)
class Due:
    """Something to do at an instant. ``key`` is stable: the same reason always has the same key. ``about`` is the id of
    the form or goal that it is about, if it is about one.
    """

    at: datetime
    kind: str
    key: str
    about: str = ""

    @property
    def must_happen(self) -> bool:
        """Records and endings, unlike reminders, are not skipped when their time has passed meanwhile. Nor is a card
        that stops working: whoever gave it late, or books again after long, is told at once. Nor is a message that
        waits, for as long as it does, nor that bookings wait for a form from now on.
        """
        return self.kind in (ANONYMOUS_EXPIRY, OUTCOME_TASK, OUTCOME_BREACH, CARD_EXPIRING, NEW_MESSAGE, FORM_GATES)


def journey_plan(
    facts: JourneyFacts,
    *,
    policy: JourneyPolicy,
    now: datetime,
    before: Iterable[Due] = (),
    reminded: Mapping[str, datetime] | None = None,
) -> list[Due]:
    """Reminders of a client's journey, earliest first; none while archived.

    What comes every week has no first instant to count from: ``before`` is the plan up to now, ``reminded`` says which
    instant of each goal (by id) was acted on last.
    """
    if facts.archived:
        return []
    plan = [*_goal_reminders(facts, now=now, before=before, reminded=reminded or {})]
    for form in facts.asked_forms:
        # An intake form that is still open moves to a newer version: the same row, asked for anew.
        reason = f"{form.id}:{form.asked_at.isoformat()}" if form.intake else form.id
        plan += _after("forms_reminder", form.asked_at, policy.forms_reminders, about=form.id, reason=reason)
        if form.gates_from is not None:
            plan.append(Due(at=form.gates_from, kind=FORM_GATES, key=f"{FORM_GATES}:{reason}", about=form.id))
    if facts.first_booked_at is None:
        if facts.anonymous:
            plan.append(Due(at=facts.created_at + policy.anonymous_ttl, kind=ANONYMOUS_EXPIRY, key=ANONYMOUS_EXPIRY))
        elif facts.reachable and facts.matched_at is not None:
            plan += _after("book_first", facts.matched_at, policy.book_first_reminders)
        return sorted(plan)
    if not facts.account_active:
        plan += _after("activation_reminder", facts.first_booked_at, policy.activation_reminders)
    if facts.outstanding_forms and facts.forms_requested_at is not None:
        plan += _after("forms_reminder", facts.forms_requested_at, policy.forms_reminders)
        ahead = facts.next_start(after=now)
        if ahead is not None:
            at = ahead - policy.forms_reminder_before
            plan.append(Due(at=at, kind="forms_reminder", key=f"forms_reminder:before:{ahead.isoformat()}"))
    if facts.intro_occurred_at is not None and not facts.session_booked and not facts.session_occurred:
        since = facts.intro_occurred_at
        key = since.isoformat()
        plan.append(
            Due(at=since + policy.first_session_reminder, kind="book_first_session", key=f"book_first_session:{key}")
        )
        plan.append(Due(at=since + policy.first_session_task, kind=FIRST_SESSION_TASK, key=f"first_session_task:{key}"))
    if facts.card is not None and (facts.payment_open or facts.has_open(AppointmentType.SESSION)):
        at = facts.card.stops_working_at - policy.card_expiry_notice
        plan.append(Due(at=at, kind=CARD_EXPIRING, key=f"{CARD_EXPIRING}:{facts.card.key}"))
    return sorted(plan)


def appointment_plan(*, starts_at: datetime, policy: JourneyPolicy) -> list[Due]:
    """Reminders before an appointment, and its start, earliest first. A moved one has new keys: new reminders."""
    start = starts_at.isoformat()
    reminders = [
        Due(at=starts_at - before, kind=APPOINTMENT_REMINDER, key=f"{APPOINTMENT_REMINDER}:{start}:{_iso(before)}")
        for before in policy.appointment_reminders
    ]
    return sorted([*reminders, Due(at=starts_at, kind=APPOINTMENT_STARTS, key=f"{APPOINTMENT_STARTS}:{start}")])


def outcome_plan(*, ends_at: datetime, type: AppointmentType, policy: JourneyPolicy) -> list[Due]:
    """What happens while nobody has said how it went. Only sessions carry money, so only they can breach."""
    key = ends_at.isoformat()
    plan = [
        Due(at=ends_at + policy.outcome_nudge, kind=OUTCOME_NUDGE, key=f"{OUTCOME_NUDGE}:{key}"),
        Due(at=ends_at + policy.outcome_task, kind=OUTCOME_TASK, key=f"{OUTCOME_TASK}:{key}"),
    ]
    if type is AppointmentType.SESSION:
        plan.append(Due(at=ends_at + policy.charge_deadline, kind=OUTCOME_BREACH, key=f"{OUTCOME_BREACH}:{key}"))
    return sorted(plan)


def replan(*, before: Iterable[Due], fresh: Iterable[Due], now: datetime, done: str | None = None) -> list[Due]:
    """The plan after the facts changed, earliest first.

    What is already past when it is first planned is skipped, unless it must happen; what was planned and is still
    wanted stays. ``done`` is the key of what must happen and has: no fact tells of it.
    """
    kept = {due.key for due in before}
    wanted = (due for due in fresh if due.key != done)
    return sorted(due for due in wanted if due.at > now or due.key in kept or due.must_happen)


def _goal_reminders(
    facts: JourneyFacts, *, now: datetime, before: Iterable[Due], reminded: Mapping[str, datetime]
) -> Iterator[Due]:
    """Each goal's next reminder; and one whose time has come, but which nobody has acted on yet."""
    planned = [due for due in before if due.kind == GOAL_REMINDER and due.at <= now]
    for goal in facts.goals:
        yield from (
            due for due in planned if due.about == goal.id and is_due_at(goal, due.at, time_zone=facts.time_zone)
        )
        after, last = max(now, goal.since), reminded.get(goal.id)
        if last is not None and last > goal.since:
            after = max(after, last + SAME_WEEK)
        at = next_reminder(goal, time_zone=facts.time_zone, after=after)
        yield Due(at=at, kind=GOAL_REMINDER, key=f"{GOAL_REMINDER}:{goal.id}:{at.isoformat()}", about=goal.id)


def _after(
    kind: str, since: datetime, delays: tuple[timedelta, ...], *, about: str = "", reason: str = ""
) -> list[Due]:
    why = reason or since.isoformat()
    return [Due(at=since + delay, kind=kind, key=f"{kind}:{why}:{_iso(delay)}", about=about) for delay in delays]


def _iso(delay: timedelta) -> str:
    return f"{int(delay.total_seconds())}s"
