"""Whether a mail is still wanted, from what is known when it is about to go out: every reason, and its order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rules.mail.kinds import MAILS, Mail
from rules.mail.terms import Stopped
from rules.mail.until import MailSituation, the_account_is_not_open, the_address_is_free
from rules.mail.wanted import not_wanted

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
SOON = NOW + timedelta(hours=1)
ALL_WELL = MailSituation(
    now=NOW,
    scheduled=(SOON,),
    forms_wanted=True,
    task_open=True,
    time_held=True,
    leave_stands=True,
    goals_stand=True,
    shared=True,
    message_waits=True,
    card_charged=True,
    payment_waits=True,
    may_settle=True,
)
CHANGED = "the appointment has changed"
JOINED = "the client was joined into another record"


def well(mail: Mail) -> MailSituation:
    """As it is when this mail is wanted."""
    kind = MAILS[mail]
    return replace(
        ALL_WELL,
        address_is_anothers=the_address_is_free in kind.until,
        account_active=the_account_is_not_open in kind.until,
    )


@pytest.mark.parametrize("mail", Mail)
def test_it_is_wanted_while_all_is_well(mail: Mail) -> None:
    assert not_wanted(MAILS[mail], well(mail)) is None


@pytest.mark.parametrize("mail", Mail)
def test_an_archived_client_gets_it_only_if_that_is_allowed(mail: Mail) -> None:
    kind, archived = MAILS[mail], replace(well(mail), archived=True)
    settled = {Mail.APPOINTMENT_CANCELLED, Mail.APPOINTMENT_CHANGED, Mail.FORM_COPY}
    told = mail in {*settled, Mail.RECORD_OPENED, Mail.TASK_OPENED}
    assert not_wanted(kind, archived) == (None if told else "archived")
    assert not_wanted(kind, replace(archived, asked_for=True)) is None
    assert not_wanted(kind, replace(archived, by_person=True)) is None


@pytest.mark.parametrize("mail", Mail)
def test_unsubscribing_stops_reminders_and_what_asks_for_a_practices_own_form(mail: Mail) -> None:
    kind, off = MAILS[mail], replace(well(mail), unsubscribed=True)
    assert not_wanted(kind, off) == ("unsubscribed" if kind.stopped is Stopped.ALWAYS else None)
    own = not_wanted(kind, replace(off, own_form=True))
    assert own == (None if kind.stopped is Stopped.NEVER else "unsubscribed")


@pytest.mark.parametrize("mail", Mail)
def test_a_part_of_the_portal_that_is_off_is_led_to_by_no_mail(mail: Mail) -> None:
    kind = MAILS[mail]
    off = replace(well(mail), portal={kind.portal_part or "chat": False})
    assert (not_wanted(kind, off) == "this part of the portal is switched off") == (kind.portal_part is not None)


@pytest.mark.parametrize(
    ("mail", "change", "because"),
    [
        (Mail.BOOKING_CONFIRMATION, {"scheduled": ()}, "nothing of it is on any more"),
        (Mail.APPOINTMENT_CHANGED, {"scheduled": ()}, None),
        (Mail.APPOINTMENT_CHANGED, {"scheduled": (), "moves": True}, "nothing of it is on any more"),
        (Mail.APPOINTMENT_REMINDER, {"only_if_starts_at": SOON}, None),
        (Mail.APPOINTMENT_REMINDER, {"only_if_starts_at": SOON + timedelta(hours=1)}, CHANGED),
        (Mail.APPOINTMENT_REMINDER, {"only_if_starts_at": NOW, "scheduled": (NOW,)}, CHANGED),
        (Mail.MARK_OUTCOME, {"only_if_starts_at": NOW, "scheduled": (NOW,)}, None),
        (Mail.MARK_OUTCOME, {"only_if_starts_at": NOW, "scheduled": ()}, CHANGED),
        (Mail.WELCOME, {"account_active": True}, "the account is active"),
        (Mail.ACTIVATION_REMINDER, {"account_active": True, "joined": True}, "the account is active"),
        (Mail.PASSWORD_RESET, {"account_active": False}, "nobody signs in by this account"),
        (Mail.PASSWORD_CHANGED, {"account_ended": True}, "nobody signs in by this account"),
        (Mail.SECOND_FACTOR_CHANGED, {"account_ended": True}, "nobody signs in by this account"),
        (Mail.RECEIPT, {"account_active": True}, None),
        (Mail.WELCOME, {"joined": True, "address_is_anothers": True}, JOINED),
        (Mail.RECEIPT, {"joined": True, "names_rows": True}, None),
        (Mail.RECEIPT, {"joined": True}, JOINED),
        (Mail.ALREADY_KNOWN, {"address_is_anothers": False}, "nobody else has this address any more"),
        (Mail.ACTIVATION_REMINDER, {"address_is_anothers": True}, "the address belongs to another client"),
        (Mail.FORMS_REMINDER, {"forms_wanted": False}, "the forms are complete"),
        (Mail.BOOK_FIRST, {"first_booked": True}, "something is booked"),
        (Mail.BOOK_FIRST_SESSION, {"session_booked": True}, "a session is booked"),
        (Mail.BOOK_NEXT, {"session_booked": True}, "a session is booked"),
        (Mail.TASK_OPENED, {"task_open": False}, "the task is resolved"),
        (Mail.SLOT_OFFERED, {"time_held": False}, "the time is not held for them any more"),
        (Mail.GOAL_REMINDER, {"goals_stand": False}, "no such reminder is wanted any more"),
        (Mail.DOCUMENT_SHARED, {"shared": False}, "it is not shared any more"),
        (Mail.NEW_MESSAGE, {"message_waits": False}, "no message waits to be read"),
        (Mail.SECOND_PERSON_ASKED, {"may_settle": False}, "it does not wait for them any more"),
        (Mail.SECOND_PERSON_ASKED, {"account_ended": True}, "nobody signs in by this account"),
        (Mail.CARD_EXPIRING, {"card_charged": False}, "that card is not charged any more"),
    ],
)
def test_it_is_dropped_once_it_is_over(mail: Mail, change: dict[str, Any], because: str | None) -> None:
    assert not_wanted(MAILS[mail], replace(well(mail), **change)) == because


def test_who_may_not_hear_comes_before_what_is_over() -> None:
    over = replace(ALL_WELL, archived=True, unsubscribed=True, portal={"forms": False}, joined=True, forms_wanted=False)
    kind = MAILS[Mail.FORMS_REMINDER]
    reasons = [
        not_wanted(kind, over),
        not_wanted(kind, over := replace(over, archived=False)),
        not_wanted(kind, over := replace(over, unsubscribed=False)),
        not_wanted(kind, over := replace(over, portal={})),
        not_wanted(kind, over := replace(over, joined=False)),
        not_wanted(kind, replace(over, forms_wanted=True)),
    ]
    off = "this part of the portal is switched off"
    assert reasons == ["archived", "unsubscribed", off, JOINED, "the forms are complete", None]
