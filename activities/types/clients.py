"""Beginning and closing a journey, the account, details and tasks of a client, and joining two records."""

from dataclasses import dataclass, field
from typing import Any

from activities.types.facts import AppointmentFacts
from activities.types.words import WORDS
from rules.accounts.caller import Caller
from rules.enums import Source, TaskKind
from rules.journey.settings import PlanSettings
from rules.journey.stage import JourneyFacts
from rules.refusals import Refusal


@dataclass(frozen=True, kw_only=True)
class ClientDetails:
    """Personal details; None means "not said", and leaves what is known."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    time_zone: str | None = None
    state: str | None = None


@dataclass(frozen=True, kw_only=True)
class NewJourney:
    request_id: str
    client_id: str
    by: Caller
    source: Source
    therapist: str | None = None
    answers: dict[str, Any] | None = field(default=None, metadata=WORDS)
    note: str | None = field(default=None, metadata=WORDS)
    details: ClientDetails | None = None
    test: bool = False
    handed_in: str | None = None


@dataclass(frozen=True, kw_only=True)
class Opened:
    """``match`` names the therapist, or is None when nobody fits: what explains it tells of the client, and stands with
    the match."""

    refusal: Refusal | None = None
    facts: JourneyFacts | None = None
    therapist: str | None = None
    match: dict[str, Any] | None = None
    contact_required: bool = False
    settings: PlanSettings = field(default_factory=PlanSettings)


@dataclass(frozen=True, kw_only=True)
class Resumed:
    """All that a run of a client's journey begins with, read from the database. ``facts`` is None if there is no such
    client. ``done`` are the keys of the plan that were acted on, ``settings`` those in force."""

    facts: JourneyFacts | None = None
    closed: bool = False
    joined_into: str | None = None
    done: tuple[str, ...] = ()
    settings: PlanSettings = field(default_factory=PlanSettings)


@dataclass(frozen=True, kw_only=True)
class MatchOrder:
    request_id: str
    client_id: str
    by: Caller
    therapist: str
    reason: str = field(default="", metadata=WORDS)
    handed_in: str | None = None
    cancel_appointments: bool = False


@dataclass(frozen=True, kw_only=True)
class Matched:
    """``former_appointments``: the open ones with the former therapist; ``cancelled``: those of them just cancelled."""

    refusal: Refusal | None = None
    facts: JourneyFacts | None = None
    match: dict[str, Any] | None = None
    former_appointments: tuple[AppointmentFacts, ...] = ()
    cancelled: tuple[AppointmentFacts, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ActivationOrder:
    """The link's token arrives hashed. The password's hash is handed in beside the message: no history has it."""

    request_id: str
    client_id: str
    token_hash: str
    password_hash: str = field(default="", metadata=WORDS)
    handed_in: str | None = None


@dataclass(frozen=True, kw_only=True)
class LinkOrder:
    """Send a new activation link."""

    request_id: str
    client_id: str
    by: Caller


@dataclass(frozen=True, kw_only=True)
class GroupChoice:
    """The group that a client is to be in; None: in none."""

    group_id: str | None


@dataclass(frozen=True, kw_only=True)
class DetailsOrder:
    request_id: str
    client_id: str
    by: Caller
    details: ClientDetails = field(default_factory=ClientDetails)
    portal_settings: dict[str, bool] | None = None
    unsubscribed: bool | None = None
    group: GroupChoice | None = None


@dataclass(frozen=True, kw_only=True)
class TaskOrder:
    key: str
    client_id: str
    kind: TaskKind
    text: str
    appointment_id: str | None = None
    payment_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class TaskResolution:
    request_id: str
    client_id: str
    by: Caller
    task_id: str
    note: str = field(default="", metadata=WORDS)
    handed_in: str | None = None


@dataclass(frozen=True, kw_only=True)
class Done:
    """The plain answer of a step: refused, or done, with the journey's fresh facts.

    ``resumed`` are appointments whose payment goes on, with a new card. ``lines`` names therapists whose waitlist
    should be looked at. ``approval``: nothing is done yet, but asked of a second person.
    """

    refusal: Refusal | None = None
    facts: JourneyFacts | None = None
    changed: bool = True
    approval: str | None = None
    document: dict[str, Any] | None = None
    resumed: tuple[AppointmentFacts, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CloseOrder:
    """Close an anonymous journey that nobody booked from."""

    client_id: str


@dataclass(frozen=True, kw_only=True)
class JoinOrder:
    """Join the client's record into another: the one that staff name, or, with the token of the mailed link (hashed),
    the one whose address it was mailed to."""

    request_id: str
    client_id: str
    by: Caller
    into_id: str | None = None
    token_hash: str | None = None


@dataclass(frozen=True, kw_only=True)
class Joined:
    """``facts`` are of the record that is closed now; ``into`` of the one that it was joined into, ``into_id``.

    ``appointments`` are those whose workflows must hear of it; ``lines`` names therapists whose waitlist this concerns.
    """

    refusal: Refusal | None = None
    facts: JourneyFacts | None = None
    into_id: str | None = None
    into: JourneyFacts | None = None
    appointments: tuple[AppointmentFacts, ...] = ()
    lines: tuple[str, ...] = ()
