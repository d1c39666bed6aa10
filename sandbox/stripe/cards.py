"""Stripe's published test cards, and what each one does when it is saved and when it is charged."""

from dataclasses import dataclass
from enum import StrEnum


class Asks(StrEnum):
    """When the bank wants the client to authenticate (3-D Secure)."""

    NEVER = "never"
    UNLESS_SET_UP = "unless_set_up"  # off-session charges pass once the card was saved with authentication
    ON_SESSION = "on_session"  # counts as saved already, elsewhere
    ALWAYS = "always"


@dataclass(frozen=True, kw_only=True)
class TestCard:
    """``declines`` is the bank's answer to a charge, and to saving the card unless ``saves`` is set. ``refunds`` is how
    a refund ends that does not succeed at once: it ``fails`` after all, or ``waits`` before it succeeds."""

    number: str
    names: tuple[str, ...]
    brand: str = "visa"
    funding: str = "credit"
    declines: str | None = None
    saves: bool = False
    asks: Asks = Asks.NEVER
    refunds: str | None = None


def _plain(number: str, brand: str, *names: str, funding: str = "credit") -> TestCard:
    return TestCard(number=number, names=names, brand=brand, funding=funding)


def _declined(number: str, code: str, *names: str) -> TestCard:
    return TestCard(number=number, names=names, declines=code)


CARDS: tuple[TestCard, ...] = (
    _plain("4242424242424242", "visa", "pm_card_visa"),
    _plain("4000056655665556", "visa", "pm_card_visa_debit", funding="debit"),
    _plain("5555555555554444", "mastercard", "pm_card_mastercard"),
    _plain("5200828282828210", "mastercard", "pm_card_mastercard_debit", funding="debit"),
    _plain("5105105105105100", "mastercard", "pm_card_mastercard_prepaid", funding="prepaid"),
    _plain("378282246310005", "amex", "pm_card_amex"),
    _plain("6011111111111117", "discover", "pm_card_discover"),
    _plain("3056930009020004", "diners", "pm_card_diners"),
    _plain("3566002020360505", "jcb", "pm_card_jcb"),
    _plain("6200000000000005", "unionpay", "pm_card_unionpay"),
    _declined("4000000000000002", "generic_decline", "pm_card_visa_chargeDeclined", "pm_card_chargeDeclined"),
    _declined(
        "4000000000009995",
        "insufficient_funds",
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "pm_card_chargeDeclinedInsufficientFunds",
    ),
    _declined(
        "4000000000009987",
        "lost_card",
        "pm_card_visa_chargeDeclinedLostCard",
        "pm_card_chargeDeclinedLostCard",
    ),
    _declined(
        "4000000000009979",
        "stolen_card",
        "pm_card_visa_chargeDeclinedStolenCard",
        "pm_card_chargeDeclinedStolenCard",
    ),
    _declined(
        "4000000000000069",
        "expired_card",
        "pm_card_chargeDeclinedExpiredCard",
        "pm_card_visa_chargeDeclinedExpiredCard",
    ),
    _declined(
        "4000000000000127",
        "incorrect_cvc",
        "pm_card_chargeDeclinedIncorrectCvc",
        "pm_card_visa_chargeDeclinedIncorrectCvc",
    ),
    _declined(
        "4000000000000119",
        "processing_error",
        "pm_card_chargeDeclinedProcessingError",
        "pm_card_visa_chargeDeclinedProcessingError",
    ),
    _declined(
        "4100000000000019",
        "fraudulent",
        "pm_card_radarBlock",
        "pm_card_chargeDeclinedFraudulent",
        "pm_card_visa_chargeDeclinedFraudulent",
    ),
    _declined("4000000000006975", "card_velocity_exceeded", "pm_card_visa_chargeDeclinedVelocityLimitExceeded"),
    TestCard(
        number="4000000000000341",
        names=("pm_card_chargeCustomerFail",),
        declines="generic_decline",
        saves=True,
    ),
    TestCard(number="4000002500003155", names=("pm_card_authenticationRequiredOnSetup",), asks=Asks.UNLESS_SET_UP),
    TestCard(number="4000002760003184", names=("pm_card_authenticationRequired",), asks=Asks.ALWAYS),
    TestCard(
        number="4000003800000446",
        names=("pm_card_authenticationRequiredSetupForOffSession",),
        asks=Asks.ON_SESSION,
    ),
    TestCard(
        number="4000008260003178",
        names=("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",),
        asks=Asks.ALWAYS,
        declines="insufficient_funds",
        saves=True,
    ),
    TestCard(number="4000000000005126", names=("pm_card_refundFail",), refunds="fails"),
    TestCard(number="4000000000007726", names=("pm_card_pendingRefund",), refunds="waits"),
    TestCard(number="4000000000003220", names=("pm_card_threeDSecure2Required",), asks=Asks.ON_SESSION),
)

BY_NAME = {name: card for card in CARDS for name in card.names}
BY_NUMBER = {card.number: card for card in CARDS}

# These stand in the error's own ``code``; every other decline is a ``card_declined`` with the reason beside
# it.
_OWN_CODES = {
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "incorrect_number": "Your card number is incorrect.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}
_MESSAGES = {
    "insufficient_funds": "Your card has insufficient funds.",
    "card_velocity_exceeded": "Your card was declined for making repeated attempts too frequently "
    "or exceeding its amount limit.",
}


def decline_words(reason: str) -> tuple[str, str, str]:
    """A decline's ``code``, ``decline_code`` and message."""
    if reason in _OWN_CODES:
        return reason, reason, _OWN_CODES[reason]
    return "card_declined", reason, _MESSAGES.get(reason, "Your card was declined.")


def spoken_amount(amount: int, currency: str) -> str:
    """As Stripe writes it in a sentence: ``50.00 usd``, ``500 jpy``."""
    number = str(amount) if currency in ZERO_DECIMAL else f"{amount // 100}.{amount % 100:02d}"
    return f"{number} {currency}"


def passes_luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[0::2]) + sum(doubled)) % 10 == 0


# The least Stripe will charge, in minor units; other currencies here have no least.
MINIMUM_CHARGE = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
    "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300,
    "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
_NO_MINIMUM = "ars bhd clp cop idr ils isk krw kwd npr php sar try twd uah uyu vnd zar"
CURRENCIES = {*MINIMUM_CHARGE, *_NO_MINIMUM.split()}
ZERO_DECIMAL = {"jpy", "krw", "clp", "vnd"}
