"""States and languages with their codes and names, as ISO 3166-2, ISO 639 and Unicode's CLDR have them."""

from collections.abc import Iterator, Mapping
from functools import cache

import pycountry
from babel import Locale

from rules.clients.vocabulary import MODALITIES, FormPart, Word

_NAMES, _TERRITORIES = Locale("en").languages, Locale("en").territories
_LIVING = "L"
_SIGNED = "Sign Language"  # of which CLDR names few


@cache
def standard_words(countries: tuple[str, ...]) -> Mapping[FormPart, tuple[Word, ...]]:
    """The parts of the form that are no practice's own, for a practice in these countries (ISO 3166-1, home first)."""
    states = [state for country in countries for state in _states(country, at_home=country == countries[0])]
    return {FormPart.STATES: tuple(states), FormPart.LANGUAGES: _languages(), FormPart.MODALITIES: MODALITIES}


def _states(country: str, *, at_home: bool) -> list[Word]:
    """The first level below a country, by name: at home by the short code (NY), elsewhere by the whole (GB-ENG). A
    country without any is one state."""
    found = [part for part in pycountry.subdivisions if (part.country_code, part.parent_code) == (country, None)]
    if not found:
        return [Word(code=country, name=_TERRITORIES[country])]
    words = [
        # Names in a second language stand behind in brackets: Wales [Cymru GB-CYM].
        Word(code=part.code.removeprefix(f"{country}-") if at_home else part.code, name=part.name.split(" [")[0])
        for part in found
    ]
    return sorted(words, key=lambda word: word.name)


@cache
def _languages() -> tuple[Word, ...]:
    """Languages that are spoken or signed today, by name: dialects and scripts of one are that one."""
    return tuple(sorted(_living_languages(), key=lambda word: word.name))


def _living_languages() -> Iterator[Word]:
    for language in pycountry.languages:
        code = getattr(language, "alpha_2", language.alpha_3)
        name = _NAMES.get(code) or (language.name if language.name.endswith(_SIGNED) else None)
        if language.type == _LIVING and name is not None:
            yield Word(code=code, name=name)
