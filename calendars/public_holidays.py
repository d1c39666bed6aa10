"""Public holidays by country and state, from the package of that name: proposals, of which a practice takes what it
likes."""

from dataclasses import dataclass
from datetime import date
from functools import cache

import holidays
from holidays.registry import EntityLoader

_LANGUAGE = "en_US"  # where a country's days have names in it, else in its own


@dataclass(frozen=True, kw_only=True)
class PublicHoliday:
    """A day, and what it is called. Two on one day are one, with both names."""

    day: date
    name: str


class NotKnown(LookupError):
    """There is no such ``field`` (country or state); ``known`` are the codes that there are."""

    def __init__(self, field: str, known: tuple[str, ...]) -> None:
        super().__init__(field)
        self.field = field
        self.known = known


@cache
def countries() -> tuple[str, ...]:
    """The ISO 3166-1 codes of the countries whose holidays are known."""
    return tuple(sorted(code for code in EntityLoader.get_country_codes(include_aliases=False) if len(code) == 2))


def public_holidays(*, country: str, state: str | None, year: int) -> list[PublicHoliday]:
    """The public holidays of a year, in order; without a ``state`` those of the whole country.

    A state is named by its code (ISO 3166-2, without the country's) or by its name. Raises NotKnown.
    """
    if country not in countries():
        raise NotKnown("country", countries())
    try:
        found = holidays.country_holidays(country, subdiv=state or None, years=year, language=_LANGUAGE)
    except NotImplementedError:
        known = holidays.country_holidays(country).subdivisions
        raise NotKnown("state", tuple(sorted(known))) from None
    return [PublicHoliday(day=day, name=name) for day, name in sorted(found.items())]
