"""How an amount in minor units is written: each currency counts in hundredths, whole units or thousandths."""

from decimal import Decimal

# The minor units Stripe counts in, where they are not hundredths: an amount shown is the amount charged.
_WHOLE_UNITS = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THOUSANDTHS = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))


def decimal_places(currency: str) -> int:
    """How many digits stand behind the point: 2 for USD, 0 for JPY, 3 for KWD. Any case."""
    code = currency.upper()
    return 0 if code in _WHOLE_UNITS else 3 if code in _THOUSANDTHS else 2


def in_units(amount: int, currency: str) -> Decimal:
    """Minor units as an exact decimal: 12000 USD is ``Decimal("120.00")``, 1200 JPY is ``Decimal("1200")``."""
    return Decimal(amount).scaleb(-decimal_places(currency))


# Of the currencies that have a sign of their own which the font of `papers` can draw.
_SIGNS = {
    **dict.fromkeys(("ARS", "AUD", "CAD", "CLP", "COP", "HKD", "MXN", "NZD", "SGD", "TWD", "USD"), "$"),
    **dict.fromkeys(("CNY", "JPY"), "¥"),
    "BRL": "R$",
    "EUR": "€",
    "GBP": "£",
    "ILS": "₪",
    "INR": "₹",
    "KRW": "₩",
    "NGN": "₦",
    "PHP": "₱",
    "RUB": "₽",
    "TRY": "₺",
    "UAH": "₴",
    "VND": "₫",
}


def in_full(amount: int, currency: str) -> str:
    """An amount by sign and code, as papers say it: ``$120.00 USD``; ``12.00 CHF`` where there is no sign."""
    code = currency.upper()
    return f"{_SIGNS.get(code, '')}{in_units(amount, code):f} {code}"
