"""The templates, strict about names that are missing; everything that comes from people is escaped."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from web.edge.forgery import FIELD
from web.looks import words
from web.looks.devices import device
from web.looks.error_lines import error_lines, slug
from web.looks.prose import prose
from web.settings import WebSettings

_TIMES = (words.told, words.short, words.clock_time, words.day, words.day_of, words.last_day, words.zone_words)
_DAYS = (words.day_short, words.by_part_of_day)


def templates(settings: WebSettings) -> Environment:
    environment = Environment(
        loader=PackageLoader("web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=not settings.production,
    )
    for filter_ in (
        *(*_TIMES, *_DAYS, words.instant, words.in_a_while, words.money, words.amount, words.actor, words.sentence),
        *(slug, prose, device),
    ):
        environment.filters[filter_.__name__] = filter_
    environment.globals.update(
        minutes_between=words.minutes_between,
        all_zones=words.zones,
        zone_choices=words.zone_choices,
        zones_nearby=words.zones_nearby,
        error_lines=error_lines,
        pairs=_pairs,
        triples=_triples,
        options_of=_options,
        MARK=FIELD,
    )
    return environment


def _pairs(options: list[dict[str, str]]) -> list[tuple[str, str]]:
    """Words of the API, as a select takes them."""
    return [(word["code"], word["name"]) for word in options]


def _triples(options: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    """Words of the API, as choices take them."""
    return [(word["code"], word["name"], "") for word in options]


def _options(field: dict[str, list[str]]) -> list[tuple[str, str, str]]:
    """Of a question of a form."""
    return [(option, option, "") for option in field["options"]]
