"""Until when a mail is still wanted: what is known of its client at the moment of sending, and named predicates of it.

A mail may wait long in the outbox. Right before it goes out it is held against what is true by then; each predicate
gives the reason why the mail is not wanted any more, or None.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class MailSituation:
    """What one mail depends on, as the database knows it at ``now`` (aware).

    ``asked_for``: a person waits for this very mail. ``by_person``: it tells that a person wrote to this client.
    ``account_ended``: an admin, or a join, has ended it. ``may_settle``: it waits for a second person, and may be them.
    ``portal``: the client's settings, by part. ``own_form``: it is about a form that the practice has made.
    ``names_rows``: it names appointments or a payment, which joining two records hands on. ``only_if_starts_at``: the
    start at which its appointment must still be; ``scheduled``: the starts of those of its appointments that are on.
    ``first_booked``: anything was ever booked; ``session_booked``: a session is, now.
    """

    now: datetime
    asked_for: bool = False
    by_person: bool = False
    archived: bool = False
    unsubscribed: bool = False
    account_active: bool = False
    account_ended: bool = False
    joined: bool = False
    portal: Mapping[str, bool] = field(default_factory=dict)
    own_form: bool = False
    names_rows: bool = False
    moves: bool = False
    only_if_starts_at: datetime | None = None
    scheduled: tuple[datetime, ...] = ()
    address_is_anothers: bool = False
    forms_wanted: bool = False
    first_booked: bool = False
    session_booked: bool = False
    task_open: bool = False
    time_held: bool = False
    leave_stands: bool = False
    goals_stand: bool = False
    shared: bool = False
    message_waits: bool = False
    card_charged: bool = False
    payment_waits: bool = False
    may_settle: bool = False


Until = Callable[[MailSituation], str | None]
"""A condition that ends a mail: why it is not wanted any more, or None."""


def the_account_is_not_open(situation: MailSituation) -> str | None:
    return None if situation.account_active and not situation.account_ended else "nobody signs in by this account"


def the_invitation_is_over(situation: MailSituation) -> str | None:
    return "the invitation was accepted or revoked" if situation.account_active or situation.account_ended else None


def it_has_begun(situation: MailSituation) -> str | None:
    start = situation.only_if_starts_at
    return "the appointment has changed" if start is not None and start <= situation.now else None


def the_address_is_anothers(situation: MailSituation) -> str | None:
    # Whose double this client is: the link could not work.
    return "the address belongs to another client" if situation.address_is_anothers else None


def the_address_is_free(situation: MailSituation) -> str | None:
    return None if situation.address_is_anothers else "nobody else has this address any more"


def the_forms_are_complete(situation: MailSituation) -> str | None:
    return None if situation.forms_wanted else "the forms are complete"


def something_is_booked(situation: MailSituation) -> str | None:
    return "something is booked" if situation.first_booked else None


def a_session_is_booked(situation: MailSituation) -> str | None:
    return "a session is booked" if situation.session_booked else None


def the_task_is_resolved(situation: MailSituation) -> str | None:
    return None if situation.task_open else "the task is resolved"


def the_time_is_not_held(situation: MailSituation) -> str | None:
    return None if situation.time_held else "the time is not held for them any more"


def the_leave_was_taken_back(situation: MailSituation) -> str | None:
    return None if situation.leave_stands else "the leave was taken back"


def no_goal_stands(situation: MailSituation) -> str | None:
    return None if situation.goals_stand else "no such reminder is wanted any more"


def it_is_not_shared(situation: MailSituation) -> str | None:
    return None if situation.shared else "it is not shared any more"


def no_message_waits(situation: MailSituation) -> str | None:
    return None if situation.message_waits else "no message waits to be read"


def the_card_is_another(situation: MailSituation) -> str | None:
    return None if situation.card_charged else "that card is not charged any more"


def the_payment_is_settled(situation: MailSituation) -> str | None:
    return None if situation.payment_waits else "the payment waits for nothing that the client can do"


def they_may_not_settle_it(situation: MailSituation) -> str | None:
    return None if situation.may_settle else "it does not wait for them any more"
