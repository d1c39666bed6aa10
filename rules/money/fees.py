"""Money: what an outcome costs, when it is due, what a decline means, how credit and card share a fee.

Amounts are whole minor units with an ISO currency, never floats.

=====================  ============================  ==================================================
event                  fee                           due
=====================  ============================  ==================================================
session occurred       full                          the later of the mark and the end + ``charge_after``
no-show                full                          the same
late cancellation      full                          the same
intro call, or fee 0   none                          -
marked after deadline  full, and a breach            at once, one try
=====================  ============================  ==================================================

The deadline is the end + ``charge_deadline``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from rules.enums import AppointmentType, DeclineClass, PaymentKind

_CURRENCY_LETTERS = 3


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents) of a currency (``USD``). ValueError or TypeError for anything else."""

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount) is not int:  # a bool is an int to Python
            message = f"an amount is a whole number of minor units, not {self.amount!r}"
            raise TypeError(message)
        if self.amount < 0:
            message = f"an amount is never negative: {self.amount}"
            raise ValueError(message)
        letters = self.currency
        if len(letters) != _CURRENCY_LETTERS or not (letters.isascii() and letters.isalpha() and letters.isupper()):
            message = f"a currency is three capital letters, not {letters!r}"
            raise ValueError(message)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same_currency(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same_currency(other), self.currency)

    def _same_currency(self, other: "Money") -> int:
        if other.currency != self.currency:
            message = f"{self.currency} and {other.currency} do not add up"
            raise ValueError(message)
        return other.amount


def fee_due(*, event: PaymentKind, fee: Money, type: AppointmentType, waived: bool) -> Money | None:
    """What the client is to pay for an event: the full fee of the session, or None for nothing.

    Every event costs the same full fee. Nothing is due for intro calls, for a fee of 0, or when waived; what
    a waiver let go is the answer to the same question without it.
    """
    full_fee_events = (PaymentKind.SESSION, PaymentKind.NO_SHOW, PaymentKind.LATE_CANCELLATION)
    if waived or event not in full_fee_events or type == AppointmentType.INTRO_CALL or fee.amount == 0:
        return None
    return fee


@dataclass(frozen=True, kw_only=True, slots=True)
class DueTimes:
    """When a payment is due and until when it is tried. ``late``: marked after the deadline, a breach."""

    due_at: datetime
    deadline: datetime
    late: bool


def due_times(
    *, marked_at: datetime, ends_at: datetime, charge_after: timedelta, charge_deadline: timedelta
) -> DueTimes:
    """When the payment for an appointment that ended (by plan) at ``ends_at`` is due.

    Never before the mark, and never after the deadline unless the mark itself is: then at once.
    """
    deadline = ends_at + charge_deadline
    due_at = max(marked_at, min(ends_at + charge_after, deadline))
    return DueTimes(due_at=due_at, deadline=deadline, late=marked_at > deadline)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancellation:
    """Whether cancelling now is late, and the fee that is due for it, if any."""

    late: bool
    fee: Money | None


def cancellation(
    *,
    type: AppointmentType,
    fee: Money,
    starts_at: datetime,
    now: datetime,
    requested_by_client: bool,
    notice_window: timedelta,
) -> Cancellation:
    """What cancelling an appointment now means.

    Late is a session that the client asked to cancel with less than the notice window left; exactly the
    window is enough. Late cancellations cost the full fee, all others nothing.
    """
    late = requested_by_client and type == AppointmentType.SESSION and starts_at - now < notice_window
    if not late:
        return Cancellation(late=False, fee=None)
    due = fee_due(event=PaymentKind.LATE_CANCELLATION, fee=fee, type=type, waived=False)
    return Cancellation(late=True, fee=due)


def may_client_change(*, type: AppointmentType, starts_at: datetime, now: datetime, notice_window: timedelta) -> bool:
    """Whether the client side may cancel or move an appointment alone.

    Sessions: while the notice window or more remains. Intro calls: until they start.
    """
    if type == AppointmentType.INTRO_CALL:
        return now < starts_at
    return now <= change_until(type=type, starts_at=starts_at, notice_window=notice_window)


def change_until(*, type: AppointmentType, starts_at: datetime, notice_window: timedelta) -> datetime:
    """The last instant at which the client side changes a session alone; of an intro call, its start."""
    return starts_at if type == AppointmentType.INTRO_CALL else starts_at - notice_window


# Codes that Stripe publishes for cards, by what can be done about them. What is in no list is taken as soft:
# the bank gave no usable reason, and trying again inside the window does no harm.
_AUTHENTICATION = frozenset({"authentication_required", "authentication_not_handled"})
_NEW_CARD = frozenset(
    {
        "card_not_supported",
        "currency_not_supported",
        "expired_card",
        "incorrect_address",
        "incorrect_cvc",
        "incorrect_number",
        "incorrect_pin",
        "incorrect_zip",
        "invalid_account",
        "invalid_cvc",
        "invalid_expiry_month",
        "invalid_expiry_year",
        "invalid_number",
        "invalid_pin",
        "live_mode_test_card",
        "new_account_information_available",
        "pin_try_exceeded",
        "testmode_decline",
    }
)
_HARD = frozenset(
    {
        "fraudulent",
        "lost_card",
        "merchant_blacklist",
        "pickup_card",
        "restricted_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "security_violation",
        "stolen_card",
        "stop_payment_order",
    }
)


def classify_decline(code: str | None, decline_code: str | None) -> DeclineClass:
    """What a decline means, from Stripe's error code and the bank's decline code: the stricter of the two.

    Soft: try again later. Authentication: the client must confirm. New card: this one will not do. Hard:
    never again with this card. Unknown codes, and none, are soft.
    """
    codes = {code, decline_code}
    if codes & _HARD:
        return DeclineClass.HARD
    if codes & _NEW_CARD:
        return DeclineClass.NEW_CARD_NEEDED
    if codes & _AUTHENTICATION:
        return DeclineClass.AUTHENTICATION_REQUIRED
    return DeclineClass.SOFT


def next_try(
    *, tries_made: int, last_try_at: datetime, deadline: datetime, retries: tuple[timedelta, ...]
) -> datetime | None:
    """When to try again after a soft decline; None if tries are used up or the next would pass the deadline.

    ``retries`` are the waits after the first, the second... try; ``tries_made`` counts from 1.
    """
    if tries_made < 1:
        message = "there is no next try before the first"
        raise ValueError(message)
    if tries_made > len(retries):
        return None
    at = last_try_at + retries[tries_made - 1]
    return at if at <= deadline else None


MINIMUM_CHARGE: Mapping[str, int] = MappingProxyType(
    {
        "AED": 200,
        "ARS": 50,
        "AUD": 50,
        "BRL": 50,
        "CAD": 50,
        "CHF": 50,
        "COP": 50,
        "CZK": 1500,
        "DKK": 250,
        "EUR": 50,
        "GBP": 30,
        "HKD": 400,
        "HUF": 17500,
        "IDR": 50,
        "ILS": 50,
        "INR": 50,
        "JPY": 50,
        "KRW": 50,
        "MXN": 1000,
        "MYR": 200,
        "NOK": 300,
        "NZD": 50,
        "PHP": 50,
        "PLN": 200,
        "RON": 200,
        "RUB": 50,
        "SEK": 300,
        "SGD": 50,
        "THB": 1000,
        "USD": 50,
        "ZAR": 50,
    }
)
"""The least that Stripe charges, in minor units of each currency it publishes one for, by its page "Supported
currencies" (minimum charge amounts). They hold for the currency that is settled in: where Stripe converts, it may ask
for more, and its refusal then makes the fee owed."""


_CHARGEABLE = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP CNY
COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR JMD
JPY KES KGS KHR KMF KRW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN
NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD STD SZL THB
TJS TOP TRY TTD TWD TZS UAH USD UYU UZS VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW
"""
CHARGEABLE = frozenset(_CHARGEABLE.split())
"""The currencies that a fee may have: those that Stripe charges cards in, by its page "Supported currencies".

Left out are those whose amounts Stripe wants rounded: BHD, JOD, KWD, OMR and TND to tens, ISK and UGX to hundreds.
"""


def minimum_charge(currency: str) -> int:
    """The least that can be charged in a currency (minor units); 1 where Stripe publishes no minimum."""
    return MINIMUM_CHARGE.get(currency.upper(), 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """What credit and card pay. ``below_minimum``: the fee is too small for a card, and nothing is taken."""

    credit: int
    card: int
    below_minimum: bool = False


def split_fee(*, amount: int, credit: int, minimum: int) -> Split:
    """How a fee is paid from the client's credit and the card, all in minor units of one currency.

    Credit pays first. A rest below the minimum charge is raised to it by using less credit; a fee that is
    itself below the minimum, and that credit does not cover, cannot be charged.
    """
    if min(amount, credit, minimum) < 0:
        message = "amounts are never negative"
        raise ValueError(message)
    if credit >= amount:
        return Split(credit=amount, card=0)
    if amount < minimum:
        return Split(credit=0, card=0, below_minimum=True)
    card = max(amount - credit, minimum)
    return Split(credit=amount - card, card=card)
