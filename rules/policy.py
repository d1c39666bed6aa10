"""JourneyPolicy: every duration and limit of a journey, and the practice's time zone, in one frozen value.

A workflow goes by what a step or a signal has told it, so that it is in its history: a changed setting reaches those
that run, and breaks no replay. Tests may shrink it. Each field can be set as ``POLICY__<NAME>`` in the environment, as
an ISO 8601 duration (``PT48H``), a comma-separated list of them, or a whole number; ceilings are
``role:currency:amount``. Only the zone is ``PRACTICE_TIME_ZONE``.
"""

from dataclasses import dataclass
from datetime import timedelta

from rules.enums import Role

SHORTEST_HISTORY = 20
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """What one person of this role may give up or give back alone: up to ``amount`` minor units of the currency."""

    role: Role
    currency: str
    amount: int


@dataclass(frozen=True, kw_only=True)
class JourneyPolicy:
    activation_link_ttl: timedelta = 7 * _DAY
    activation_reminders: tuple[timedelta, ...] = (_DAY, 3 * _DAY)  # after the first booking
    forms_reminders: tuple[timedelta, ...] = (_DAY, 3 * _DAY)  # after asking
    forms_reminder_before: timedelta = _DAY  # before the next appointment
    form_grace: timedelta = 7 * _DAY  # after a new version was asked for: from then on bookings wait for it
    book_first_reminders: tuple[timedelta, ...] = (_DAY, 3 * _DAY)  # after a match whose details are known
    anonymous_ttl: timedelta = 7 * _DAY
    first_session_reminder: timedelta = 3 * _DAY  # after an intro call occurred
    first_session_task: timedelta = 14 * _DAY
    appointment_reminders: tuple[timedelta, ...] = (_DAY, _HOUR)  # before the start
    outcome_nudge: timedelta = 24 * _HOUR  # after the scheduled end, as the next four
    outcome_task: timedelta = 40 * _HOUR
    charge_after: timedelta = 24 * _HOUR
    charge_deadline: timedelta = 48 * _HOUR
    charge_retries: tuple[timedelta, ...] = (6 * _HOUR, 12 * _HOUR)  # after the first and the second soft decline
    card_expiry_notice: timedelta = 30 * _DAY  # before the saved card stops working
    new_message_every: timedelta = _HOUR  # from one mail about a chat to the next
    notice_window: timedelta = 48 * _HOUR  # before a session's start
    hold_ttl: timedelta = timedelta(minutes=10)
    waitlist_offer_ttl: timedelta = 2 * _HOUR
    calendar_interval: timedelta = timedelta(minutes=15)  # from one look at a therapist's own calendar to the next
    calendar_failure_told: timedelta = _DAY  # after it could first not be read
    token_idle: timedelta = 12 * _HOUR
    token_ttl: timedelta = 30 * _DAY
    resets_per_address: int = 3  # an hour
    sign_ins_per_visitor: int = 10  # that fail, in 15 minutes
    holds_per_visitor: int = 3  # live
    holds_per_calendar: int = 20  # live ones of visitors, per cent of the slots of the next 14 days
    journeys_per_visitor: int = 5  # an hour
    unconfirmed_bookings_per_visitor: int = 2  # open, by clients whose account is not active
    mails_per_address: int = 6  # a day, before the account is active
    second_person_above: tuple[Ceiling, ...] = ()  # of credits, refunds, waivers and write-offs; none: no ceiling
    events_kept: timedelta = 90 * _DAY  # for programs that ask for them later
    webhook_retries: tuple[timedelta, ...] = (  # after the first tries of a delivery that failed
        *(timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30)),
        *(2 * _HOUR, 6 * _HOUR),
    )
    webhook_retry_every: timedelta = 12 * _HOUR  # after the later ones
    webhook_gives_up: timedelta = 3 * _DAY  # after the first: then the endpoint is off
    history_limit: int = 4000  # events after which a workflow continues as new
    time_zone: str = "UTC"  # the practice's (IANA): in it the people of the practice are told times

    def __post_init__(self) -> None:
        if self.history_limit < SHORTEST_HISTORY:
            message = f"history_limit must be at least {SHORTEST_HISTORY}: a shorter run could not do anything"
            raise ValueError(message)
