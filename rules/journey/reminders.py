"""What falls due when (timers): every timed mail of a journey and of an appointment, from the facts alone.

Each function gives the whole plan; whoever follows it skips what is already past when it is first planned.

It runs inside workflows. A change here needs `workflow.patched`, and every recorded history must replay.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.enums import AppointmentType
from rules.journey.goals import SAME_WEEK, is_due_at, next_reminder
from rules.journey.stage import JourneyFacts
from rules.mail.kinds import MAILS, Mail
from rules.policy import JourneyPolicy

ANONYMOUS_EXPIRY = "anonymous_expiry"
FIRST_SESSION_TASK = "first_session_task"
APPOINTMENT_STARTS = "appointment_starts"
OUTCOME_TASK = "outcome_task"
OUTCOME_BREACH = "outcome_breach"
FORM_GATES = "form_gates"

_ENDINGS = frozenset({ANONYMOUS_EXPIRY, OUTCOME_TASK, OUTCOME_BREACH, FORM_GATES})
_TOLD_LATE = frozenset(mail.value for mail, kind in MAILS.items() if kind.even_late)


@dataclass(frozen=True, kw_only=True, order=True)
class Due:
    """Something to do at an instant. ``kind`` is the name of a mail (`rules.mail.kinds.Mail`), or one of the others
    above. ``key`` is stable: the same reason always has the same key. ``about`` is the id of the form, goal or chat
    that it is about, if it is about one.
    """

    at: datetime
    kind: str
    key: str
    about: str = ""

    @property
    def must_happen(self) -> bool:
        """Records and endings, unlike most mails, are not skipped when their time has passed meanwhile."""
        return self.kind in _ENDINGS or self.kind in _TOLD_LATE


def mail_due(mail: Mail, at: datetime, reason: str, *, about: str = "") -> Due:
    """A timed mail. ``reason``: stable ids and instants, so that the same reason is one mail."""
    return Due(at=at, kind=mail.value, key=f"{mail}:{reason}", about=about)


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
    ahead = facts.next_start(after=now)
    plan += _asked_forms(facts, policy=policy, ahead=ahead)
    if facts.first_booked_at is None:
        if facts.anonymous:
            plan.append(Due(at=facts.created_at + policy.anonymous_ttl, kind=ANONYMOUS_EXPIRY, key=ANONYMOUS_EXPIRY))
        elif facts.reachable and facts.matched_at is not None:
            plan += _after(Mail.BOOK_FIRST, facts.matched_at, policy.book_first_reminders)
        return sorted(plan)
    if not facts.account_active:
        plan += _after(Mail.ACTIVATION_REMINDER, facts.first_booked_at, policy.activation_reminders)
    if facts.outstanding_forms and facts.forms_requested_at is not None:
        plan += _after(Mail.FORMS_REMINDER, facts.forms_requested_at, policy.forms_reminders)
        if ahead is not None:
            plan.append(_before_appointment(ahead, policy))
    if facts.intro_occurred_at is not None and not facts.session_booked and not facts.session_occurred:
        since = facts.intro_occurred_at
        key = since.isoformat()
        plan.append(mail_due(Mail.BOOK_FIRST_SESSION, since + policy.first_session_reminder, key))
        plan.append(Due(at=since + policy.first_session_task, kind=FIRST_SESSION_TASK, key=f"first_session_task:{key}"))
    if facts.card is not None and (facts.payment_open or facts.has_open(AppointmentType.SESSION)):
        at = facts.card.stops_working_at - policy.card_expiry_notice
        plan.append(mail_due(Mail.CARD_EXPIRING, at, facts.card.key))
    return sorted(plan)


def _asked_forms(facts: JourneyFacts, *, policy: JourneyPolicy, ahead: datetime | None) -> Iterator[Due]:
    """Reminders of forms that were asked for by themselves, and when one of them begins to gate bookings."""
    for form in facts.asked_forms:
        # An intake form that is still open moves to a newer version: the same row, asked for anew.
        reason = f"{form.id}:{form.asked_at.isoformat()}" if form.intake else form.id
        yield from _after(Mail.FORMS_REMINDER, form.asked_at, policy.forms_reminders, about=form.id, reason=reason)
        if form.intake and ahead is not None:
            yield _before_appointment(ahead, policy, about=form.id, reason=reason)
        if form.gates_from is not None:
            yield Due(at=form.gates_from, kind=FORM_GATES, key=f"{FORM_GATES}:{reason}", about=form.id)


def _before_appointment(starts_at: datetime, policy: JourneyPolicy, *, about: str = "", reason: str = "") -> Due:
    """The reminder of intake forms before the next appointment: of those of the first booking together, of one that was
    asked for again by itself."""
    at, key = starts_at - policy.forms_reminder_before, f"before:{starts_at.isoformat()}"
    return mail_due(Mail.FORMS_REMINDER, at, f"{key}:{reason}" if reason else key, about=about)


def appointment_plan(
    *, starts_at: datetime, ends_at: datetime, type: AppointmentType, policy: JourneyPolicy
) -> list[Due]:
    """Everything timed of an appointment, earliest first: mails before it, its start, and what happens while nobody has
    said how it went. A moved one has new keys: new reminders. Only sessions carry money, so only they can breach.
    """
    start, key = starts_at.isoformat(), ends_at.isoformat()
    plan = [
        *_before(Mail.APPOINTMENT_REMINDER, starts_at, policy.appointment_reminders),
        Due(at=starts_at, kind=APPOINTMENT_STARTS, key=f"{APPOINTMENT_STARTS}:{start}"),
        mail_due(Mail.MARK_OUTCOME, ends_at + policy.outcome_nudge, key),
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
    planned = [due for due in before if due.kind == Mail.GOAL_REMINDER and due.at <= now]
    for goal in facts.goals:
        yield from (
            due for due in planned if due.about == goal.id and is_due_at(goal, due.at, time_zone=facts.time_zone)
        )
        after, last = max(now, goal.since), reminded.get(goal.id)
        if last is not None and last > goal.since:
            after = max(after, last + SAME_WEEK)
        at = next_reminder(goal, time_zone=facts.time_zone, after=after)
        yield mail_due(Mail.GOAL_REMINDER, at, f"{goal.id}:{at.isoformat()}", about=goal.id)


def _after(
    mail: Mail, since: datetime, delays: tuple[timedelta, ...], *, about: str = "", reason: str = ""
) -> list[Due]:
    why = reason or since.isoformat()
    return [mail_due(mail, since + delay, f"{why}:{_iso(delay)}", about=about) for delay in delays]


def _before(mail: Mail, start: datetime, delays: tuple[timedelta, ...]) -> list[Due]:
    return [mail_due(mail, start - delay, f"{start.isoformat()}:{_iso(delay)}") for delay in delays]


def _iso(delay: timedelta) -> str:
    return f"{int(delay.total_seconds())}s"
