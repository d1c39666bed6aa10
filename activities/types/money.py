"""Charges, credits, refunds and what people decide about payments.

Of what may need a second person, ``another`` is the API's word that there is one: a code for this very order. And
``approval`` names what somebody has asked for and whoever the order is by approves: what was asked for then counts.
"""

from dataclasses import dataclass, field

from activities.types.facts import AppointmentFacts
from activities.types.words import WORDS
from rules.accounts.caller import Caller
from rules.enums import RefundTo
from rules.journey.stage import JourneyFacts


@dataclass(frozen=True, kw_only=True)
class AttemptOrder:
    """``attempt`` is the number this try would have: starting the same try twice starts one."""

    payment_id: str
    attempt: int


@dataclass(frozen=True, kw_only=True)
class ConfirmationOrder:
    """Prepare one payment to be confirmed by the client at Stripe; or, with the ``return_url`` to which a bank's page
    leads back, confirm it there with the saved card, while they wait."""

    request_id: str
    client_id: str
    by: Caller
    payment_id: str
    return_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class CardSetupOrder:
    """Prepare the saving of a card; with a ``return_url``, on Stripe's own page, which leads back there."""

    request_id: str
    client_id: str
    by: Caller
    return_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class GrantOrder:
    """Credit ``amount`` minor units to a client."""

    request_id: str
    client_id: str
    by: Caller
    amount: int
    currency: str
    reason: str = field(default="", metadata=WORDS)
    handed_in: str | None = None
    another: str | None = None
    approval: str | None = None


@dataclass(frozen=True, kw_only=True)
class RefundOrder:
    """Give back what a payment took: ``amount`` minor units, or all that is left. ``refund_id`` names the refund."""

    request_id: str
    client_id: str
    by: Caller
    refund_id: str
    payment_id: str
    to: RefundTo
    reason: str = field(default="", metadata=WORDS)
    handed_in: str | None = None
    amount: int | None = None
    another: str | None = None
    approval: str | None = None


@dataclass(frozen=True, kw_only=True)
class LetGoOrder:
    """Waive a payment, or write a debt off; who, why and when are recorded."""

    request_id: str
    client_id: str
    by: Caller
    payment_id: str
    reason: str = field(default="", metadata=WORDS)
    handed_in: str | None = None
    another: str | None = None
    approval: str | None = None


@dataclass(frozen=True, kw_only=True)
class ApprovalRefusal:
    """Nothing comes of what somebody has asked for."""

    request_id: str
    client_id: str
    by: Caller
    approval_id: str
    reason: str | None = field(default=None, metadata=WORDS)
    handed_in: str | None = None


@dataclass(frozen=True, kw_only=True)
class RetryOrder:
    """Try a payment again now."""

    request_id: str
    client_id: str
    by: Caller
    payment_id: str


@dataclass(frozen=True, kw_only=True)
class AttemptStarted:
    """``started`` is False when the payment may no longer be charged: it was cancelled, paid or waived meanwhile.
    Where there is no usable card, the payment then stands as failed, and nothing was asked of Stripe.
    """

    started: bool
    appointment: AppointmentFacts
    journey: JourneyFacts


@dataclass(frozen=True, kw_only=True)
class Charged:
    """How the card answered. ``status`` is Stripe's for the intent, ``decline`` a DeclineClass, or None; ``amount`` is
    what the intent was made for, in minor units; ``charge`` is Stripe's, with which the bank answered."""

    intent: str
    status: str
    amount: int | None = None
    decline: str | None = None
    decline_code: str | None = None
    charge: str | None = None


@dataclass(frozen=True, kw_only=True)
class AttemptResult:
    payment_id: str
    attempt: int
    charged: Charged | None  # None: there was no card to try


@dataclass(frozen=True, kw_only=True)
class Settled:
    """The payment after a try or another change, with both snapshots. ``changed`` is False if it already stood so."""

    appointment: AppointmentFacts
    journey: JourneyFacts
    changed: bool = True


@dataclass(frozen=True, kw_only=True)
class Tried:
    """The payment after a try, with both snapshots. ``is_news``: its appointment's workflow tells the journey of it."""

    appointment: AppointmentFacts
    journey: JourneyFacts
    is_news: bool


@dataclass(frozen=True, kw_only=True)
class EventHandled:
    """What an inbound event changed: nothing, one payment, or what the client's charges wait for.

    ``told`` are the appointments whose payment a dispute stopped.
    """

    settled: Settled | None = None
    told: tuple[AppointmentFacts, ...] = ()
    facts: JourneyFacts | None = None
