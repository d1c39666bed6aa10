"""The mails there are: one entry a mail (`MAILS`), asked by everything that needs to know something of one.

A new mail is a name in `Mail`, an entry in `MAILS`, and a folder ``templates/email/<name>`` with ``subject.txt``,
``body.txt`` and ``body.html``. One that is timed has a line in `rules.journey.reminders` besides, and its setting in
`rules.policy`, which is empty by default: journeys that run already were begun without it, and have to go on as they
began (their histories are replayed).

`to_both_sides` runs inside workflows: docs/changing-a-workflow.md says how it is changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from rules.mail.terms import NAMED_BY, AccountAddress, Button, Reader, Stopped, Topic
from rules.mail.until import (
    Until,
    a_session_is_booked,
    it_has_begun,
    it_is_not_shared,
    no_goal_stands,
    no_message_waits,
    something_is_booked,
    the_account_is_not_open,
    the_address_is_anothers,
    the_address_is_free,
    the_card_is_another,
    the_forms_are_complete,
    the_invitation_is_over,
    the_leave_was_taken_back,
    the_payment_is_settled,
    the_task_is_resolved,
    the_time_is_not_held,
    they_may_not_settle_it,
)


class Mail(StrEnum):
    """The name of a mail: of its folder of templates, and of its kind in orders, keys and the ledger of mails."""

    WELCOME = "welcome"
    ACTIVATION_REMINDER = "activation_reminder"
    ALREADY_KNOWN = "already_known"
    WE_WILL_GET_BACK = "we_will_get_back"
    BOOKING_CONFIRMATION = "booking_confirmation"
    APPOINTMENT_RESCHEDULED = "appointment_rescheduled"
    APPOINTMENT_CANCELLED = "appointment_cancelled"
    APPOINTMENT_UPDATED = "appointment_updated"
    APPOINTMENT_REMINDER = "appointment_reminder"
    LEAVE_NOTICE = "leave_notice"
    BOOK_FIRST = "book_first"
    BOOK_FIRST_SESSION = "book_first_session"
    SLOT_OFFERED = "slot_offered"
    FORMS_REQUESTED = "forms_requested"
    FORMS_REMINDER = "forms_reminder"
    FORM_NEW_VERSION = "form_new_version"
    FORM_COPY = "form_copy"
    GOAL_REMINDER = "goal_reminder"
    NEW_MESSAGE = "new_message"
    DOCUMENT_SHARED = "document_shared"
    RECEIPT = "receipt"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_NEEDS_YOU = "payment_needs_you"
    CARD_EXPIRING = "card_expiring"
    NEW_CLIENT = "new_client"
    CLIENT_BACK = "client_back"
    APPOINTMENT_BOOKED = "appointment_booked"
    APPOINTMENT_CHANGED = "appointment_changed"
    MARK_OUTCOME = "mark_outcome"
    BOOK_NEXT = "book_next"
    PROFILE_ACCESS_CHANGED = "profile_access_changed"
    CALENDAR_UNREADABLE = "calendar_unreadable"
    STAFF_MESSAGE = "staff_message"
    TASK_OPENED = "task_opened"
    RECORD_OPENED = "record_opened"
    DAILY_ANCHOR = "daily_anchor"
    INVITATION = "invitation"
    EMAIL_CONFIRM = "email_confirm"
    EMAIL_CHANGED = "email_changed"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a name
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a name
    SECOND_FACTOR_CHANGED = "second_factor_changed"
    SIGN_IN_LINKED = "sign_in_linked"
    SECOND_PERSON_ASKED = "second_person_asked"


@dataclass(frozen=True, kw_only=True)
class MailKind:
    """What is known of every mail of one kind.

    ``needs`` are the parts of the mail's context (`activities.mail.context.MailContext`) that it cannot do without.
    ``by_practice_alone``: only an act of the practice's people causes it, so that no stranger can have it mailed, and a
    day's budget of an address is not for it. ``vital``: sent again after an ambiguous failure; others rather not twice.
    ``tells_times``: of its appointments only those that still are on are told, as a cancellation is a mail of its own,
    and the last word. ``even_late``: a timed mail that is not skipped where its time had passed when it was first
    planned. ``goes_along``: when its client is joined into another record, that one sends it. ``therapist_hears``: the
    mail that tells the therapist the same.
    ``if_address_is_anothers``: the mail that goes out instead; ``to_its_owner``: it goes to the address as its owner
    gave it. ``at``: of a mail about an account, which address of it. ``in_ui`` and ``in_preview`` name a timed mail in
    the Temporal UI and in an archive's preview.
    """

    to: Reader
    needs: tuple[str, ...] = ()
    about: tuple[Topic, ...] = ()
    by_practice_alone: bool = False
    until: tuple[Until, ...] = ()
    button: Button | None = None
    vital: bool = False
    stopped: Stopped = Stopped.NEVER
    portal_part: str | None = None
    while_archived: bool = False
    tells_times: bool = False
    calendar_file: bool = False
    notice_window: bool = False
    asks_about_insurance: bool = False
    even_late: bool = False
    goes_along: bool = False
    to_its_owner: bool = False
    at: AccountAddress = AccountAddress.PRESENT
    if_address_is_anothers: Mail | None = None
    therapist_hears: Mail | None = None
    in_ui: str | None = None
    in_preview: str | None = None

    @property
    def parts(self) -> frozenset[str]:
        """All that the mail cannot do without, the link to unsubscribe included."""
        return frozenset(self.needs) | ({"unsubscribe_link"} if self.stopped is Stopped.ALWAYS else set())

    @property
    def ids(self) -> frozenset[str]:
        """The fields of its order that must say which rows it is about."""
        return frozenset(NAMED_BY[topic] for topic in self.about if topic in NAMED_BY)

    def is_stoppable(self, *, own_form: bool) -> bool:
        """Whether an unsubscribed client does not get it. ``own_form``: it is about a form that the practice made."""
        return self.stopped is Stopped.ALWAYS or (self.stopped is Stopped.FOR_OWN_FORMS and own_form)


class UnknownMail(LookupError):
    """There is no mail of that name."""


def kind_of(name: str) -> MailKind:
    """What is known of the mail of this name. Raises UnknownMail."""
    if name not in MAILS:
        raise UnknownMail(f"there is no mail {name}")
    return MAILS[Mail(name)]


def to_both_sides(mail: Mail) -> tuple[Mail, ...]:
    """This mail, and the one by which the therapist hears the same, if there is one."""
    heard = MAILS[mail].therapist_hears
    return (mail,) if heard is None else (mail, heard)


MAILS: Mapping[Mail, MailKind] = MappingProxyType(
    {
        # ------------------------------------------------------------ the client's account
        Mail.WELCOME: MailKind(
            to=Reader.CLIENT,
            needs=("link", "link_expires_at"),
            about=(Topic.ADDRESS,),
            until=(the_address_is_anothers,),
            button=Button.ACTIVATION,
            vital=True,
            if_address_is_anothers=Mail.ALREADY_KNOWN,
        ),
        Mail.ACTIVATION_REMINDER: MailKind(
            to=Reader.CLIENT,
            needs=("link", "link_expires_at"),
            about=(Topic.ADDRESS,),
            until=(the_address_is_anothers,),
            button=Button.ACTIVATION,
            stopped=Stopped.ALWAYS,
            in_preview="reminder to activate the account",
        ),
        Mail.ALREADY_KNOWN: MailKind(
            to=Reader.CLIENT,
            needs=("link", "link_expires_at"),
            about=(Topic.ADDRESS,),
            until=(the_address_is_free,),
            button=Button.JOIN,
            vital=True,
            to_its_owner=True,
        ),
        Mail.WE_WILL_GET_BACK: MailKind(to=Reader.CLIENT),
        # ------------------------------------------------------------ appointments
        Mail.BOOKING_CONFIRMATION: MailKind(
            to=Reader.CLIENT,
            needs=("therapist", "appointments"),
            about=(Topic.APPOINTMENTS,),
            vital=True,
            tells_times=True,
            calendar_file=True,
            notice_window=True,
            asks_about_insurance=True,
            therapist_hears=Mail.APPOINTMENT_BOOKED,
        ),
        Mail.APPOINTMENT_RESCHEDULED: MailKind(
            to=Reader.CLIENT,
            needs=("therapist", "appointments"),
            about=(Topic.APPOINTMENTS,),
            vital=True,
            tells_times=True,
            calendar_file=True,
            therapist_hears=Mail.APPOINTMENT_CHANGED,
        ),
        Mail.APPOINTMENT_CANCELLED: MailKind(
            to=Reader.CLIENT,
            needs=("therapist", "appointments"),
            about=(Topic.APPOINTMENTS,),
            vital=True,
            while_archived=True,
            calendar_file=True,
            therapist_hears=Mail.APPOINTMENT_CHANGED,
        ),
        Mail.APPOINTMENT_UPDATED: MailKind(
            to=Reader.CLIENT,
            needs=("therapist", "appointments"),
            about=(Topic.APPOINTMENTS,),
            vital=True,
            tells_times=True,
            calendar_file=True,
            therapist_hears=Mail.APPOINTMENT_CHANGED,
        ),
        Mail.APPOINTMENT_REMINDER: MailKind(
            to=Reader.CLIENT,
            needs=("therapist", "appointments"),
            about=(Topic.APPOINTMENTS,),
            until=(it_has_begun,),
            stopped=Stopped.ALWAYS,
            in_preview="reminder",
        ),
        # About what is booked, and that it cannot be held then: unsubscribing does not stop it.
        Mail.LEAVE_NOTICE: MailKind(
            to=Reader.CLIENT,
            by_practice_alone=True,
            needs=("therapist", "appointments", "link"),
            about=(Topic.APPOINTMENTS, Topic.LEAVE),
            until=(the_leave_was_taken_back,),
            button=Button.APPOINTMENTS,
            vital=True,
            tells_times=True,
        ),
        Mail.BOOK_FIRST: MailKind(
            to=Reader.CLIENT,
            needs=("therapist", "link"),
            until=(something_is_booked,),
            button=Button.BOOKING,
            stopped=Stopped.ALWAYS,
            portal_part="schedule_appointments",
            in_preview="reminder to book",
        ),
        Mail.BOOK_FIRST_SESSION: MailKind(
            to=Reader.CLIENT,
            needs=("therapist", "link"),
            about=(Topic.BOOKINGS,),
            until=(a_session_is_booked,),
            button=Button.BOOKING,
            stopped=Stopped.ALWAYS,
            portal_part="schedule_appointments",
            therapist_hears=Mail.BOOK_NEXT,
            in_preview="reminder to book the first session",
        ),
        # The client asked for it by joining the waitlist, the time is held for a short while only, and whoever wants no
        # more of them leaves the waitlist: unsubscribing does not stop it.
        Mail.SLOT_OFFERED: MailKind(
            to=Reader.CLIENT,
            needs=("therapist", "offer", "link"),
            about=(Topic.OFFER,),
            until=(the_time_is_not_held,),
            button=Button.OFFERED_TIME,
            vital=True,
            portal_part="schedule_appointments",
        ),
        # ------------------------------------------------------------ what waits in the portal
        Mail.FORMS_REQUESTED: MailKind(
            to=Reader.CLIENT,
            needs=("forms", "link"),
            about=(Topic.FORMS,),
            until=(the_forms_are_complete,),
            button=Button.FORMS,
            stopped=Stopped.FOR_OWN_FORMS,
            portal_part="forms",
        ),
        Mail.FORM_NEW_VERSION: MailKind(
            to=Reader.CLIENT,
            needs=("forms", "link"),
            about=(Topic.FORMS,),
            until=(the_forms_are_complete,),
            button=Button.FORMS,
            stopped=Stopped.FOR_OWN_FORMS,
            portal_part="forms",
        ),
        Mail.FORMS_REMINDER: MailKind(
            to=Reader.CLIENT,
            needs=("forms", "link"),
            about=(Topic.FORMS,),
            until=(the_forms_are_complete,),
            button=Button.FORMS,
            stopped=Stopped.ALWAYS,
            portal_part="forms",
            in_preview="reminder of the forms",
        ),
        # What was signed in a session is the client's to have, unsubscribed or archived: the mail names no form.
        Mail.FORM_COPY: MailKind(
            to=Reader.CLIENT,
            by_practice_alone=True,  # an intake in the session has three
            needs=("link",),
            button=Button.FORMS,
            vital=True,
            portal_part="forms",
            while_archived=True,
            goes_along=True,
        ),
        Mail.GOAL_REMINDER: MailKind(
            to=Reader.CLIENT,
            needs=("link",),
            about=(Topic.GOALS,),
            until=(no_goal_stands,),
            button=Button.GOALS,
            stopped=Stopped.ALWAYS,
            portal_part="goals",
            in_preview="reminder of a goal",
        ),
        # Which part of the portal a message belongs to depends on its chat: one in a chat that is off does not wait.
        Mail.NEW_MESSAGE: MailKind(
            to=Reader.CLIENT,
            needs=("link",),
            about=(Topic.CHAT,),
            until=(no_message_waits,),
            button=Button.CHATS,
            stopped=Stopped.ALWAYS,
            even_late=True,  # for as long as it waits
            goes_along=True,
            in_preview="notice of a new message",
        ),
        Mail.DOCUMENT_SHARED: MailKind(
            to=Reader.CLIENT,
            needs=("link",),
            about=(Topic.SHARE,),
            until=(it_is_not_shared,),
            button=Button.DOCUMENTS,
            stopped=Stopped.ALWAYS,
            portal_part="documents",
            goes_along=True,
        ),
        # ------------------------------------------------------------ money
        Mail.RECEIPT: MailKind(
            to=Reader.CLIENT,
            needs=("payment", "receipt", "link"),
            about=(Topic.PAYMENT, Topic.RECEIPT),
            button=Button.PAYMENT,
            vital=True,
        ),
        Mail.PAYMENT_FAILED: MailKind(
            to=Reader.CLIENT,
            needs=("payment", "link"),
            about=(Topic.PAYMENT,),
            until=(the_payment_is_settled,),
            button=Button.CARD,
            vital=True,
        ),
        Mail.PAYMENT_NEEDS_YOU: MailKind(
            to=Reader.CLIENT,
            needs=("payment", "link"),
            about=(Topic.PAYMENT,),
            until=(the_payment_is_settled,),
            button=Button.PAYMENT,
            vital=True,
        ),
        # About a payment that would fail: whoever heard of it only then would owe it. So unsubscribing does not stop
        # it, and whoever gave the card late, or books again after long, is told at once.
        Mail.CARD_EXPIRING: MailKind(
            to=Reader.CLIENT,
            needs=("card", "link"),
            about=(Topic.CARD,),
            until=(the_card_is_another,),
            button=Button.CARD,
            vital=True,
            even_late=True,
            in_ui="mail that the saved card stops working",
            in_preview="notice that the saved card stops working",
        ),
        # ------------------------------------------------------------ to the therapist
        Mail.NEW_CLIENT: MailKind(to=Reader.THERAPIST, needs=("client_name",), button=Button.CLIENT),
        Mail.CLIENT_BACK: MailKind(to=Reader.THERAPIST, needs=("client_name",), button=Button.CLIENT),
        Mail.APPOINTMENT_BOOKED: MailKind(
            to=Reader.THERAPIST,
            needs=("client_name", "appointments"),
            about=(Topic.APPOINTMENTS,),
            button=Button.CLIENT,
            vital=True,
            tells_times=True,
            calendar_file=True,
        ),
        Mail.APPOINTMENT_CHANGED: MailKind(
            to=Reader.THERAPIST,
            needs=("client_name", "appointments", "change"),
            about=(Topic.APPOINTMENTS,),
            button=Button.CLIENT,
            vital=True,
            while_archived=True,
            calendar_file=True,
        ),
        Mail.MARK_OUTCOME: MailKind(
            to=Reader.THERAPIST,
            needs=("client_name", "appointments", "link"),
            about=(Topic.APPOINTMENTS,),
            button=Button.OUTCOME,
            in_ui="asking the therapist for the outcome",
            in_preview="asking the therapist for the outcome",
        ),
        Mail.BOOK_NEXT: MailKind(
            to=Reader.THERAPIST,
            needs=("client_name", "link"),
            about=(Topic.BOOKINGS,),
            until=(a_session_is_booked,),
            button=Button.CLIENT,
        ),
        # To the therapist; where there is none who would learn of it by it, to the admins (`account_mail_order`).
        Mail.RECORD_OPENED: MailKind(
            to=Reader.THERAPIST,
            needs=("client_name", "opened"),
            about=(Topic.OPENING,),
            vital=True,
            while_archived=True,
        ),
        # About no client: to the address that was the profile's before the change.
        Mail.PROFILE_ACCESS_CHANGED: MailKind(to=Reader.THERAPIST, vital=True),
        # About no client: a calendar that the therapist keeps elsewhere cannot be read.
        Mail.CALENDAR_UNREADABLE: MailKind(to=Reader.THERAPIST),
        # About no client: to the therapist, or to the care team where the therapist has written.
        Mail.STAFF_MESSAGE: MailKind(
            to=Reader.THERAPIST,
            needs=("link",),
            about=(Topic.CHAT,),
            until=(no_message_waits,),
            button=Button.STAFF_CHATS,
        ),
        # ------------------------------------------------------------ to the care team
        Mail.TASK_OPENED: MailKind(
            to=Reader.CARE_TEAM,
            needs=("task", "link"),
            about=(Topic.TASK,),
            until=(the_task_is_resolved,),
            button=Button.TASK,
            while_archived=True,
        ),
        # ------------------------------------------------------------ to whoever has an account
        Mail.INVITATION: MailKind(
            to=Reader.ACCOUNT,
            needs=("link", "link_expires_at"),
            until=(the_invitation_is_over,),
            button=Button.INVITATION,
            vital=True,
        ),
        Mail.PASSWORD_RESET: MailKind(
            to=Reader.ACCOUNT,
            needs=("link", "link_expires_at"),
            until=(the_account_is_not_open,),
            button=Button.RESET,
            vital=True,
        ),
        Mail.EMAIL_CONFIRM: MailKind(
            to=Reader.ACCOUNT,
            needs=("link", "link_expires_at"),
            until=(the_account_is_not_open,),
            button=Button.NEW_ADDRESS,
            vital=True,
            at=AccountAddress.NEW,
        ),
        Mail.EMAIL_CHANGED: MailKind(
            to=Reader.ACCOUNT, until=(the_account_is_not_open,), vital=True, at=AccountAddress.FORMER
        ),
        Mail.PASSWORD_CHANGED: MailKind(to=Reader.ACCOUNT, until=(the_account_is_not_open,), vital=True),
        Mail.SIGN_IN_LINKED: MailKind(to=Reader.ACCOUNT, until=(the_account_is_not_open,), vital=True),
        Mail.SECOND_FACTOR_CHANGED: MailKind(
            to=Reader.ACCOUNT,
            needs=("factor_change",),
            about=(Topic.FACTOR_CHANGE,),
            until=(the_account_is_not_open,),
            vital=True,
        ),
        # To each who may settle it, but not to who asked.
        Mail.SECOND_PERSON_ASKED: MailKind(
            to=Reader.ACCOUNT,
            needs=("approval", "link"),
            about=(Topic.APPROVAL,),
            until=(the_account_is_not_open, they_may_not_settle_it),
            button=Button.APPROVALS,
            vital=True,
        ),
        # ------------------------------------------------------------ to whoever keeps the anchors
        Mail.DAILY_ANCHOR: MailKind(to=Reader.WITNESS, needs=("anchor",), about=(Topic.ANCHOR,), vital=True),
    }
)
