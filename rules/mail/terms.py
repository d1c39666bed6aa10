"""The terms in which the table of mails speaks (enums): readers, destinations of buttons, topics, what stops a mail."""

from collections.abc import Mapping
from enum import Enum, StrEnum, auto
from types import MappingProxyType


class Reader(StrEnum):
    """Whom a mail is meant for."""

    CLIENT = "client"
    THERAPIST = "therapist"
    CARE_TEAM = "care_team"
    WITNESS = "witness"  # who keeps the anchors of the chains, outside
    ACCOUNT = "account"  # whoever signs in by it, a client or somebody of the practice


class Button(Enum):
    """The destination of a mail's one button (its call to action)."""

    ACTIVATION = auto()  # with a token of its own
    INVITATION = auto()  # likewise, of an account of the practice
    NEW_ADDRESS = auto()  # likewise: confirms that it is an account's
    RESET = auto()  # likewise: of an account, on whichever side of the house
    JOIN = auto()  # likewise: joins a new booking to the record that already has the address
    BOOKING = auto()
    OFFERED_TIME = auto()
    FORMS = auto()
    GOALS = auto()
    CHATS = auto()
    STAFF_CHATS = auto()  # of the practice's own
    DOCUMENTS = auto()
    CARD = auto()
    PAYMENT = auto()
    OUTCOME = auto()  # of one appointment, for its therapist
    APPOINTMENTS = auto()  # all of a client's own
    CLIENT = auto()  # a client's page for the practice
    TASK = auto()
    APPROVALS = auto()  # what waits for a second person


class Topic(Enum):
    """The rows that a mail is about; those that no id in its order names are looked for."""

    APPOINTMENTS = auto()
    PAYMENT = auto()
    RECEIPT = auto()  # of that payment
    CARD = auto()
    OFFER = auto()
    LEAVE = auto()  # of a therapist: of the appointments those that lie in it
    GOALS = auto()
    CHAT = auto()
    SHARE = auto()
    TASK = auto()
    ANCHOR = auto()
    APPROVAL = auto()  # what waits for a second person
    OPENING = auto()  # what was opened of a client's record
    FACTOR_CHANGE = auto()  # what became of an account's second factors
    FORMS = auto()  # those that are outstanding, unless the order names one that the practice has made
    BOOKINGS = auto()  # whether a session is booked
    ADDRESS = auto()  # whether another client, with an account or made by staff, has this client's address


NAMED_BY: Mapping[Topic, str] = MappingProxyType(
    {
        Topic.APPOINTMENTS: "appointment_ids",
        Topic.PAYMENT: "payment_id",
        Topic.CARD: "text",
        Topic.OFFER: "offer_id",
        Topic.LEAVE: "text",
        Topic.GOALS: "goals",
        Topic.CHAT: "chat_id",
        Topic.SHARE: "share_id",
        Topic.TASK: "text",
        Topic.ANCHOR: "text",
        Topic.APPROVAL: "text",
        Topic.OPENING: "text",
        Topic.FACTOR_CHANGE: "text",
    }
)
"""The field of a mail's order that says which rows: what a mail about them cannot be ordered without."""


class AccountAddress(Enum):
    """Which address of an account a mail about it goes to."""

    PRESENT = auto()
    NEW = auto()  # of the change that the mail is about
    FORMER = auto()


class Stopped(Enum):
    """Whether unsubscribing stops a mail. One that is stopped has a link by which to unsubscribe, and the headers."""

    NEVER = auto()
    ALWAYS = auto()  # reminders
    FOR_OWN_FORMS = auto()
    """Only when it asks for a form that the practice has made. The intake forms belong to the account: without them
    nothing more can be booked, and they are asked for once, whoever is unsubscribed."""
