"""The settings themselves: what is refused, what is weak, and names that are none of ours."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from config import Settings, SettingsProblem, ways_out
from config.in_force import settings_in_force
from config.meanings import MEANINGS
from ops.doctor.findings import Finding, ok, warning, wrong
from rules.settings import ComesFrom
from web.settings import WebSettings
from web.settings import refusals as refusals_of_the_pages
from worker import templates_of

_SEE = "change it, and see Settings in docs/production.md"
_ALIKE = 0.88  # how much of a name must be the same to be taken for a slip of the pen


def look_at_settings(
    settings: Settings | None, problems: list[str], environment: Mapping[str, str]
) -> Iterator[Finding]:
    """``problems``: what `config.examine` said."""
    for problem in problems:
        name = problem.split(" ")[0]
        meaning = MEANINGS.get(name.lower())
        yield wrong("settings", problem, f"{name} is {meaning}: {_SEE}" if meaning else _SEE)
    yield from _odd_names(environment)
    if settings is None:
        return
    if not settings.production:
        yield warning("settings", "this is no production", "set ENVIRONMENT=production where clients are real")
    for sentence in _ways_out(settings):
        yield warning("settings", sentence, "see that it is meant, or change it")
    try:
        own = len(templates_of(settings).own)
        yield ok("mail templates", f"{own} of your own" if own else "the product's own")
    except SettingsProblem as problem:
        for sentence in problem.problems:
            yield wrong("mail templates", sentence, "mend the template: `python -m ops.mails` shows every mail")
    if settings.database_owner_url is not None and settings.production:
        yield warning(
            "settings",
            "DATABASE_OWNER_URL is given",
            "give it to migrations, dumps and restores alone: whoever has it can rewrite the timeline",
        )
    yield from _pages(environment)
    in_force = settings_in_force(settings, environment)
    given = sum(each.source is ComesFrom.ENVIRONMENT for each in in_force)
    yield ok("settings", f"{given} are given, {len(in_force) - given} are at their defaults")


def _ways_out(settings: Settings) -> list[str]:
    """What of the settings is weaker than it need be; of those of a database that is not named nothing is said."""
    return ways_out(settings, serving=True) if settings.database_url is not None else []


def _odd_names(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Names that no program reads and that look like one that they do."""
    known = {name.upper() for program in (Settings, WebSettings) for name in program.model_fields}
    for name in sorted({name.upper() for name in environment} - known):
        if name.startswith(("POLICY__", "TEMPORAL_")):  # of which config knows, and the SDK
            continue
        if meant := get_close_matches(name, known, n=1, cutoff=_ALIKE):
            yield warning("settings", f"nothing reads {name}", f"did you mean {meant[0]}?")


def _pages(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Of the pages, where their key says that they run with these settings too."""
    if not environment.get("SITE_API_KEY"):
        return
    problems = refusals_of_the_pages()
    for problem in problems:
        yield wrong("pages", problem, _SEE)
    if not problems:
        yield ok("pages", "their settings can be used")
