"""Times, dates, money and durations, as people read them. Everything that comes in is as the API answered it."""

from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.dates import format_date, format_datetime, get_timezone_location
from babel.numbers import get_currency_precision
from markupsafe import Markup

_LOCALE = "en"


def instant(text: str | datetime) -> datetime:
    """Of RFC 3339, aware."""
    return text if isinstance(text, datetime) else datetime.fromisoformat(text)


def told(text: str | datetime, zone: str) -> str:
    """``Thu 3 December 2026, 09:00, New York time``"""
    return f"{short(text, zone)}, {zone_words(zone)}"


def short(text: str | datetime, zone: str) -> str:
    """``Thu 3 December 2026, 09:00``: where the zone stands beside it once for all."""
    return format_datetime(_local(text, zone), "EEE d MMMM y, HH:mm", locale=_LOCALE)


def clock_time(text: str | datetime, zone: str) -> str:
    """``09:00``"""
    return f"{_local(text, zone):%H:%M}"


def day(text: str | date) -> str:
    """``Thu 3 December 2026``, of a date. Always with its year: what is old or far ahead is not misread."""
    return format_date(_date(text), "EEE d MMMM y", locale=_LOCALE)


def day_short(text: str | date) -> str:
    """``Thu 3 Dec``, where many stand side by side below one that has the year."""
    return format_date(_date(text), "EEE d MMM", locale=_LOCALE)


def by_part_of_day(slots: list[dict[str, str]], zone: str) -> list[tuple[str, list[dict[str, str]]]]:
    """Times by what a person calls that part of the day, in order."""
    parts: dict[str, list[dict[str, str]]] = {}
    for slot in slots:
        hour = _local(slot["starts_at"], zone).hour
        parts.setdefault("Morning" if hour < 12 else "Afternoon" if hour < 17 else "Evening", []).append(slot)
    return list(parts.items())


def day_of(text: str | datetime, zone: str) -> str:
    """``Thu 3 December 2026``, the date it is in the zone."""
    return day(_local(text, zone).date())


def last_day(text: str | datetime, zone: str) -> str:
    """``Thu 3 December 2026``, the last date before an end."""
    return day((_local(text, zone) - timedelta(microseconds=1)).date())


def zone_words(zone: str) -> str:
    """``New York time``"""
    city = get_timezone_location(ZoneInfo(zone), locale=_LOCALE, return_city=True)
    return f"{city} time" if "/" in zone and not zone.startswith("Etc/") else zone


def in_a_while(seconds: str) -> str:
    """``in 2 minutes``, of Retry-After: never too early."""
    left = int(seconds) if seconds.isdecimal() else 60
    if left <= 1:
        return "in a moment"
    for unit, size in (("hour", 3600), ("minute", 60), ("second", 1)):
        if left >= 2 * size or left == size:
            count = -(-left // size)
            return f"in {count} {unit}{'' if count == 1 else 's'}"
    return "in a moment"


def money(value: dict[str, object] | None) -> str:
    """``120.00 USD``, of ``{"amount", "currency"}`` in minor units."""
    if value is None:
        return ""
    currency = str(value["currency"])
    places = get_currency_precision(currency)
    amount = Decimal(str(value["amount"])).scaleb(-places)
    return f"{amount:,.{places}f} {currency}"


def amount(value: dict[str, object]) -> str:
    """``120.00``, as it can be typed again."""
    return money(value).rsplit(" ", 1)[0].replace(",", "")


_ROLES = {"booking_site": "the booking site", "client": "the client", "system": "by itself"}


def actor(text: str) -> str:
    """Who did something, as the API names them: ``client:<id>`` is the client, ``therapist:ana-silva`` ana-silva."""
    role, _, name = text.partition(":")
    return _ROLES.get(role) or name.strip() or text.replace("_", " ")


def minor_units(text: str, currency: str) -> int | str:
    """``120.50`` as 12050; as it was typed where it is no amount, for the API to say so."""
    try:
        amount = Decimal(text).scaleb(get_currency_precision(currency.upper() or "USD"))
    except InvalidOperation:
        return text
    return int(amount) if amount == amount.to_integral_value() else text


def minutes_between(starts_at: str, ends_at: str) -> str:
    """``50 minutes``"""
    return minutes((instant(ends_at) - instant(starts_at)) // timedelta(minutes=1))


def minutes(count: int) -> str:
    return "1 minute" if count == 1 else f"{count} minutes"


@cache
def zones() -> tuple[str, ...]:
    """Every zone that can be chosen, in the order of their names; UTC last."""
    places = (name for name in _known() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return (*sorted(places), "UTC")


@cache
def zone_choices() -> Markup:
    """Options of a select, made once: they are hundreds, and on most pages."""
    return Markup("").join(Markup("<option>{}</option>").format(name) for name in zones())


@cache
def _known() -> frozenset[str]:
    """Looked up once: it is read from the disk, folder by folder."""
    return frozenset(available_timezones())


_OFTEN = tuple(f"America/{city}" for city in ("New_York", "Chicago", "Denver", "Phoenix", "Los_Angeles", "Anchorage"))


def zones_nearby(*own: str) -> list[str]:
    """Those that most people look for, before all others: whose page it is, and the zones of the country."""
    return list(dict.fromkeys((*own, *_OFTEN, "Pacific/Honolulu")))


@cache
def countries() -> tuple[tuple[str, str], ...]:
    """Code and name of each country, in the order of their names."""
    named = Locale.parse(_LOCALE).territories.items()
    return tuple(sorted(((code, name) for code, name in named if len(code) == 2), key=lambda pair: pair[1]))


def known_zone(name: str | None) -> str | None:
    """The name, if it is that of a zone."""
    return name if name in _known() else None


def _local(text: str | datetime, zone: str) -> datetime:
    return instant(text).astimezone(ZoneInfo(zone))


def _date(text: str | date) -> date:
    return date.fromisoformat(text) if isinstance(text, str) else text


def sentence(text: str) -> str:
    """What the API says of a field, as it stands alone: "is required" as "Is required"."""
    return text[:1].upper() + text[1:]
