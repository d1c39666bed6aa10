"""What falls due when (timers): every timed mail of a journey and of an appointment, from the facts alone.

Each function gives the whole plan, at any time the same; `open_plan` leaves out what is done, and what was past already
when the thing itself came to be. So whoever starts anew plans what the one before planned.

It runs inside workflows: docs/changing-a-workflow.md says how it is changed.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rules.enums import AppointmentType
from rules.journey.goals import due_reminder
from rules.journey.stage import JourneyFacts, OpenAppointment
from rules.mail.kinds import MAILS, Mail
from rules.policy import JourneyPolicy

ANONYMOUS_EXPIRY = "anonymous_expiry"
FIRST_SESSION_TASK = "first_session_task"
APPOINTMENT_STARTS = "appointment_starts"
OUTCOME_TASK = "outcome_task"
OUTCOME_BREACH = "outcome_breach"
FORM_GATES = "form_gates"

MAILS_OF_A_JOURNEY = (
    Mail.BOOK_FIRST,
    Mail.ACTIVATION_REMINDER,
    Mail.FORMS_REMINDER,
    Mail.BOOK_FIRST_SESSION,
    Mail.CARD_EXPIRING,
    Mail.GOAL_REMINDER,
)
"""The timed mails of a journey: that one is in the outbox, sent or not, marks it as done."""

_ENDINGS = frozenset({ANONYMOUS_EXPIRY, OUTCOME_TASK, OUTCOME_BREACH, FORM_GATES})
_TOLD_LATE = frozenset(mail.value for mail, kind in MAILS.items() if kind.even_late)


@dataclass(frozen=True, kw_only=True, order=True)
class Due:
    """Something to do at an instant. ``kind`` is the name of a mail (`rules.mail.kinds.Mail`), or one of the others
    above. ``key`` is stable: the same reason always has the same key. ``about`` is the id of the form, the goal or the
    appointment that it is about, if a journey's is about one. ``since`` is when its reason came to be: what was past by
    then is skipped.
    """

    at: datetime
    kind: str
    key: str
    since: datetime
    about: str = ""

    @property
    def must_happen(self) -> bool:
        """Records and endings, unlike most mails, are not skipped when their time has passed meanwhile."""
        return self.kind in _ENDINGS or self.kind in _TOLD_LATE


def mail_due(mail: Mail, at: datetime, reason: str, *, since: datetime, about: str = "") -> Due:
    """A timed mail. ``reason``: stable ids and instants, so that the same reason is one mail."""
    return Due(at=at, kind=mail.value, key=f"{mail}:{reason}", since=since, about=about)


def journey_plan(facts: JourneyFacts, *, policy: JourneyPolicy, now: datetime) -> list[Due]:
    """Reminders of a client's journey, earliest first; none while archived, and none again for what fell due meanwhile.

    What comes every week is planned once, as of ``now``.
    """
    if facts.archived:
        return []
    plan = [*_goal_reminders(facts, now=now)]
    ahead = facts.next_open(after=now)
    plan += _asked_forms(facts, policy=policy, ahead=ahead)
    plan += _starts_without_forms(facts)
    booked = facts.first_booked_at
    if booked is None:
        if facts.anonymous:
            at = facts.created_at + policy.anonymous_ttl
            plan.append(Due(at=at, kind=ANONYMOUS_EXPIRY, key=ANONYMOUS_EXPIRY, since=facts.created_at))
        elif facts.reachable and facts.matched_at is not None:
            since = facts.matched_at
            plan += _after(Mail.BOOK_FIRST, since, policy.book_first_reminders, since=facts.known_since or since)
        return _after_the_archive(plan, facts)
    if not facts.account_active:
        plan += _after(Mail.ACTIVATION_REMINDER, booked, policy.activation_reminders)
    if facts.outstanding_forms and facts.forms_requested_at is not None:
        plan += _after(Mail.FORMS_REMINDER, facts.forms_requested_at, policy.forms_reminders)
        if ahead is not None:
            plan.append(_before_appointment(ahead, policy, asked_at=facts.forms_requested_at))
    if facts.intro_occurred_at is not None and not facts.session_booked and not facts.session_occurred:
        occurred, key = facts.intro_occurred_at, facts.intro_occurred_at.isoformat()
        since = max(occurred, facts.unbooked_since or occurred)
        plan.append(mail_due(Mail.BOOK_FIRST_SESSION, occurred + policy.first_session_reminder, key, since=since))
        at = occurred + policy.first_session_task
        plan.append(Due(at=at, kind=FIRST_SESSION_TASK, key=f"{FIRST_SESSION_TASK}:{key}", since=since))
    if facts.card is not None and (facts.payment_open or facts.has_open(AppointmentType.SESSION)):
        at = facts.card.stops_working_at - policy.card_expiry_notice
        plan.append(mail_due(Mail.CARD_EXPIRING, at, facts.card.key, since=booked))
    return _after_the_archive(plan, facts)


def _after_the_archive(plan: Iterable[Due], facts: JourneyFacts) -> list[Due]:
    """What fell due while the client was archived, or in another record before a join, is past, and skipped."""
    if facts.active_since is None:
        return sorted(plan)
    return sorted(replace(due, since=max(due.since, facts.active_since)) for due in plan)


def _asked_forms(facts: JourneyFacts, *, policy: JourneyPolicy, ahead: OpenAppointment | None) -> Iterator[Due]:
    """Reminders of forms that were asked for by themselves, and when one of them begins to gate bookings."""
    for form in facts.asked_forms:
        # An intake form that is still open moves to a newer version: the same row, asked for anew.
        reason = f"{form.id}:{form.asked_at.isoformat()}" if form.intake else form.id
        yield from _after(Mail.FORMS_REMINDER, form.asked_at, policy.forms_reminders, about=form.id, reason=reason)
        if form.intake and ahead is not None:
            yield _before_appointment(ahead, policy, asked_at=form.asked_at, about=form.id, reason=reason)
        if form.gates_from is not None:
            key = f"{FORM_GATES}:{reason}"
            yield Due(at=form.gates_from, kind=FORM_GATES, key=key, since=form.asked_at, about=form.id)


def _starts_without_forms(facts: JourneyFacts) -> Iterator[Due]:
    """The starts of appointments, while intake forms are missing: that is noted, and then another appointment is the
    next. Of all others no workflow needs to know that they have begun."""
    asked = [form.asked_at for form in facts.asked_forms if form.intake]
    if facts.outstanding_forms and facts.forms_requested_at is not None:
        asked.append(facts.forms_requested_at)
    for one in facts.open_appointments if asked else ():
        since = max(min(asked), one.planned_at or facts.created_at)
        key = f"{APPOINTMENT_STARTS}:{one.id}:{one.starts_at.isoformat()}"
        yield Due(at=one.starts_at, kind=APPOINTMENT_STARTS, key=key, since=since, about=one.id)


def _before_appointment(
    ahead: OpenAppointment, policy: JourneyPolicy, *, asked_at: datetime, about: str = "", reason: str = ""
) -> Due:
    """The reminder of intake forms before the next appointment: of those of the first booking together, of one that was
    asked for again by itself."""
    at, key = ahead.starts_at - policy.forms_reminder_before, f"before:{ahead.starts_at.isoformat()}"
    since = max(asked_at, ahead.planned_at or asked_at)
    return mail_due(Mail.FORMS_REMINDER, at, f"{key}:{reason}" if reason else key, since=since, about=about)


def appointment_plan(
    *,
    starts_at: datetime,
    ends_at: datetime,
    type: AppointmentType,
    policy: JourneyPolicy,
    charge_deadline: timedelta,
    since: datetime,
) -> list[Due]:
    """Everything timed of an appointment, earliest first: mails before it, and what happens while nobody has said how
    it went. A moved one has new keys: new reminders. Only sessions carry money, so only they can breach.
    ``charge_deadline``: what was agreed for this one. ``since``: when it was booked or moved.
    """
    key = ends_at.isoformat()
    plan = [
        *_before(Mail.APPOINTMENT_REMINDER, starts_at, policy.appointment_reminders, since=since),
        mail_due(Mail.MARK_OUTCOME, ends_at + policy.outcome_nudge, key, since=since),
        Due(at=ends_at + policy.outcome_task, kind=OUTCOME_TASK, key=f"{OUTCOME_TASK}:{key}", since=since),
    ]
    if type is AppointmentType.SESSION:
        at = ends_at + charge_deadline
        plan.append(Due(at=at, kind=OUTCOME_BREACH, key=f"{OUTCOME_BREACH}:{key}", since=since))
    return sorted(plan)


def open_plan(plan: Iterable[Due], *, done: Collection[str]) -> list[Due]:
    """What is still to be done, earliest first. ``done`` are the keys of what was: those that no fact tells of.

    What was past when its reason came to be is skipped, unless it must happen.
    """
    return sorted(due for due in plan if due.key not in done and (due.at > due.since or due.must_happen))


def _goal_reminders(facts: JourneyFacts, *, now: datetime) -> Iterator[Due]:
    """Each goal's next reminder, or one whose time has come within this day, but which nobody has acted on yet."""
    for goal in facts.goals:
        since = max(goal.since, facts.active_since or goal.since)
        at = due_reminder(goal, time_zone=facts.time_zone, since=since, now=now)
        yield mail_due(Mail.GOAL_REMINDER, at, f"{goal.id}:{at.isoformat()}", since=since, about=goal.id)


def _after(
    mail: Mail,
    start: datetime,
    delays: tuple[timedelta, ...],
    *,
    since: datetime | None = None,
    about: str = "",
    reason: str = "",
) -> list[Due]:
    why = reason or start.isoformat()
    return [
        mail_due(mail, start + delay, f"{why}:{_iso(delay)}", since=since or start, about=about) for delay in delays
    ]


def _before(mail: Mail, start: datetime, delays: tuple[timedelta, ...], *, since: datetime) -> list[Due]:
    return [mail_due(mail, start - delay, f"{start.isoformat()}:{_iso(delay)}", since=since) for delay in delays]


def _iso(delay: timedelta) -> str:
    return f"{int(delay.total_seconds())}s"
