"""The product's words, one per thing: every status and kind that code, API, mails and database share."""

from enum import StrEnum
from typing import Self


class AppointmentType(StrEnum):
    INTRO_CALL = "intro_call"
    SESSION = "session"


class AppointmentStatus(StrEnum):
    SCHEDULED = "scheduled"
    OCCURRED = "occurred"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    LATE_CANCELLED = "late_cancelled"


class Outcome(StrEnum):
    """What a person says happened; each is also an appointment status."""

    OCCURRED = "occurred"
    NO_SHOW = "no_show"


class Mode(StrEnum):
    """How client and therapist meet."""

    PHONE = "phone"
    VIDEO = "video"
    ZOOM = "zoom"


class CalendarKind(StrEnum):
    """How a calendar that a therapist keeps elsewhere is read."""

    ICS = "ics"  # a file at a private address
    CALDAV = "caldav"
    GOOGLE = "google"
    OUTLOOK = "outlook"


class CalendarTrouble(StrEnum):
    """Why a calendar kept elsewhere could not be read."""

    AWAY = "away"  # nobody answers, or not in time
    NOT_CONNECTED = "not_connected"  # its owner has not consented at the vendor, or not any more
    NOT_ALLOWED = "not_allowed"  # the password or the secret address counts for nothing (any more)
    NOT_FOUND = "not_found"
    NOT_A_CALENDAR = "not_a_calendar"  # what came is none, or is cut off or broken
    TOO_LARGE = "too_large"  # more bytes, or more busy times, than are read
    TOO_SLOW = "too_slow"  # its repeating events take too long to write out
    ADDRESS_REFUSED = "address_refused"  # it leads where the product calls nobody


class OnClosure(StrEnum):
    """What becomes of a date of a series on which the practice is closed: the whole series waits until somebody has
    decided, or the date is left out."""

    ASK = "ask"
    SKIP = "skip"


class IntroCalls(StrEnum):
    """A therapist's setting: must a client have an intro call before the first session?"""

    REQUIRED = "required"
    OPTIONAL = "optional"
    OFF = "off"


class FormStatus(StrEnum):
    REQUESTED = "requested"
    SUSPENDED = "suspended"
    COMPLETE = "complete"


class PaymentKind(StrEnum):
    SESSION = "session"
    NO_SHOW = "no_show"
    LATE_CANCELLATION = "late_cancellation"


class PaymentStatus(StrEnum):
    SCHEDULED = "scheduled"
    PROCESSING = "processing"
    PAID = "paid"
    REQUIRES_ACTION = "requires_action"
    FAILED = "failed"
    OWED = "owed"
    CANCELLED = "cancelled"
    WAIVED = "waived"
    WRITTEN_OFF = "written_off"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"


class ClientStatus(StrEnum):
    ACTIVE = "active"
    ARCHIVED = "archived"


class Stage(StrEnum):
    """Where a client is on the journey; see rules.journey.stage for the order in which they are tested."""

    MATCHING = "matching"
    FIRST_BOOKING = "first_booking"
    ACTIVATION = "activation"
    INTAKE = "intake"
    INTRO_CALL = "intro_call"
    SCHEDULING = "scheduling"
    IN_CARE = "in_care"
    ARCHIVED = "archived"


class Source(StrEnum):
    """The three ways in."""

    MATCHING_FORM = "matching_form"
    DIRECT_BOOKING = "direct_booking"
    CARE_TEAM = "care_team"  # by hand: the care team, or a therapist for themselves


class Modality(StrEnum):
    """With whom a therapist works."""

    INDIVIDUAL = "individual"
    COUPLES = "couples"
    FAMILY = "family"
    TEEN = "teen"


class Role(StrEnum):
    BOOKING_SITE = "booking_site"
    CLIENT = "client"
    THERAPIST = "therapist"
    CARE_TEAM = "care_team"
    ADMIN = "admin"

    @property
    def is_practice(self) -> bool:
        """Practice means therapist or care team: those who look after clients. An admin looks after the house, and is
        no more with clients than anybody outside."""
        return self in (Role.THERAPIST, Role.CARE_TEAM)


class CreditSource(StrEnum):
    """Where a client's credit came from."""

    GRANTED = "granted"  # by the practice
    REFUND = "refund"  # money back that did not go to the card


class RefundTo(StrEnum):
    """Where money that is given back goes: to the card as far as the card paid, or all of it to credit."""

    CARD = "card"
    CREDIT = "credit"


class RefundStatus(StrEnum):
    PENDING = "pending"  # the card's part is on its way
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class ApprovalAct(StrEnum):
    """What may wait for a second person."""

    CREDIT = "credit"
    REFUND = "refund"
    WAIVE = "waive"
    WRITE_OFF = "write_off"


class ApprovalStatus(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    LAPSED = "lapsed"


class DeclineClass(StrEnum):
    """What a bank's "no" means for the next step; the table of codes is in rules.money.fees."""

    SOFT = "soft"
    AUTHENTICATION_REQUIRED = "authentication_required"
    NEW_CARD_NEEDED = "new_card_needed"
    HARD = "hard"


class PlaceEnd(StrEnum):
    """Why a place on a waitlist ended."""

    BOOKED = "booked"
    LEFT = "left"
    UNANSWERED = "unanswered"  # too many offers ran out
    OVER = "over"  # the wished time has passed
    REMATCHED = "rematched"
    ARCHIVED = "archived"


class OfferEnd(StrEnum):
    """What became of a time that was offered to somebody on a waitlist."""

    BOOKED = "booked"
    RAN_OUT = "ran_out"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"  # before it was answered: the place, the wish or the hours have changed


class ChatKind(StrEnum):
    DIRECT = "direct"  # one client and one therapist
    CARE_TEAM = "care_team"  # one client and the care team
    GROUP = "group"  # live: archived clients leave it
    COMMUNITY = "community"  # archived clients stay in those they are in
    STAFF = "staff"  # one therapist and the care team, with no client in it


class LeftBecause(StrEnum):
    """Why a client is no longer in a chat."""

    LEFT = "left"
    REMOVED = "removed"
    ARCHIVED = "archived"
    JOINED = "joined"  # into the chat of another record of the same person


class GoalStatus(StrEnum):
    OPEN = "open"
    COMPLETED = "completed"


class ArchiveResult(StrEnum):
    """What became of one client of an archive of many."""

    PENDING = "pending"
    ARCHIVED = "archived"
    SKIPPED = "skipped"
    FAILED = "failed"


class TaskKind(StrEnum):
    """What a person must look at."""

    label: str  # what a mail about it is headed with

    def __new__(cls, value: str, label: str = "") -> Self:
        kind = str.__new__(cls, value)
        kind._value_, kind.label = value, label
        return kind

    MATCH_BY_HAND = "match_by_hand", "A client needs a therapist"
    NO_FIRST_SESSION = "no_first_session", "No first session is booked"
    OUTCOME_MISSING = "outcome_missing", "An outcome is missing"
    CARD_MISSING = "card_missing", "A card is missing"
    PAYMENT_OWED = "payment_owed", "A payment is owed"
    PAYMENT_FAILED = "payment_failed", "A payment failed"
    POSSIBLE_DUPLICATE = "possible_duplicate", "Two records may be one person"
    MAIL_UNDELIVERABLE = "mail_undeliverable", "A mail could not be delivered"
    MAILS_WAIT = "mails_wait", "Mails to a client wait"
    DISPUTE = "dispute", "A client's bank disputes a charge"
    INQUIRY = "inquiry", "A client's bank asks about a charge"
    REFUND_FAILED = "refund_failed", "A refund failed"
    SECOND_PERSON = "second_person", "Something waits for a second person"
    LEDGER_DIFFERENCE = "ledger_difference", "The ledger and Stripe differ"
    STEP_FAILED = "step_failed", "A step of a journey failed"
    OVERDUE = "overdue", "Something has not happened in time"
    KEEPS_ENDING = "keeps_ending", "A workflow keeps ending"
    MANY_WEDGED = "many_wedged", "Many workflows cannot go on"
    NO_RECORD = "no_record", "A workflow has no record"
    RESTORED = "restored", "The database was restored from a copy"
    TEXT_WAITS = "text_waits", "A text waits to be published"
    WEBHOOK_OFF = "webhook_off", "A program is not told of events any more"
    BOOKED_TIME_BUSY = "booked_time_busy", "A booked time is busy in the therapist's own calendar"
    CALENDAR_FAILED = "calendar_failed", "A therapist's own calendar cannot be read"
    SETTINGS_DIFFER = "settings_differ", "Programs run with different settings"

    @property
    def is_for_admins(self) -> bool:
        """Whether it is no client's matter, and an admin's to settle."""
        return self in (TaskKind.TEXT_WAITS, TaskKind.WEBHOOK_OFF)
