"""Every path, module, command and room that a page names is there."""

import importlib
import re
import zoneinfo
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, table, words
from workflows.registry import WORKFLOWS

EACH = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
PACKAGES = (
    "activities",
    "api",
    "bench",
    "calendars",
    "chaos",
    "clients",
    "config",
    "demo",
    "dev",
    "docs",
    "engine",
    "local",
    "models",
    "ops",
    "papers",
    "rules",
    "sandbox",
    "server",
    "templates",
    "tests",
    "web",
    "website",
    "worker",
    "workflows",
)
SUBJECTS = ("clients", "accounts", "booking", "forms", "money", "care", "archive", "mail", "events", "keeping")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# Names with a slash that are no paths: zones of the clock.
ZONES = zoneinfo.available_timezones()


def prose(page: Path) -> str:
    return FENCED.sub("", page.read_text())


def code(page: Path) -> str:
    return "\n".join(FENCED.findall(page.read_text()))


def paths(page: Path) -> Iterator[str]:
    for word in words(prose(page)):
        if re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", word) and "/" in word and word not in ZONES:
            yield word
    # In commands only what begins with a folder of ours: the rest is addresses.
    yield from re.findall(rf"(?<![\w/.$}}<-])(?:{'|'.join(PACKAGES)})/[\w./-]*", code(page))


@EACH
def test_every_path_is_there(page: Path) -> None:
    made_by_make = (".venv/", ".data")
    missing = {path for path in paths(page) if not path.startswith(made_by_make) and not (ROOT / path).exists()}
    assert missing == set(), f"{page.name} names what is not there; has it moved?"


@EACH
def test_every_file_that_is_named_alone_is_somewhere(page: Path) -> None:
    named = {word for word in words(prose(page)) if re.fullmatch(r"\w+\.(py|toml|yaml)", word)}
    folders = [ROOT, *(ROOT / name for name in PACKAGES if (ROOT / name).is_dir())]
    known = {path.name for path in ROOT.iterdir()} | {path.name for top in folders[1:] for path in top.rglob("*.*")}
    assert named <= known, f"{page.name} names files that are not there"


def found(name: str) -> bool:
    """A module, or what it has."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            there: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(there, part):
                return False
            there = getattr(there, part)
        return True
    return False


@EACH
def test_every_module_can_be_imported(page: Path) -> None:
    named = {word for word in words(prose(page)) if re.fullmatch(rf"(?:{'|'.join(PACKAGES)})(\.\w+)+", word)}
    wrong = {name for name in named if not (ROOT / name).exists() and not found(name)}
    assert wrong == set(), f"{page.name} names modules that are not there"


@EACH
def test_every_command_is_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    said = [*words(prose(page)), *code(page).splitlines()]
    for command in said:
        for target in re.findall(r"(?:^|[A-Z_]=\S+ )make ([a-z]+)", command):
            assert target in targets, f"{page.name}: make {target}"
        for module in re.findall(r"python -m ([\w.]+)", command):
            assert find_spec(module), f"{page.name}: {command}"
        for program in re.findall(r"python (\w+\.py)", command):
            assert (ROOT / program).is_file(), f"{page.name}: {command}"


# ---------------------------------------------------------------- rooms and decisions


def test_the_plan_shows_every_floor_and_its_rooms() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    assert tuple(words(row[0])[0] for row in table(page, "subject", "what belongs to it")) == SUBJECTS
    for floor, rooms in table(page, "floor", "rooms"):
        [folder] = words(floor)
        there = {path.name for path in (ROOT / folder).iterdir() if path.is_dir() and any(path.glob("*.py"))}
        assert words(rooms) == [subject for subject in SUBJECTS if subject in there], folder


def test_the_plan_shows_every_folder_at_the_top() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    shown = set(re.findall(r"^(\w+)/ ", page, re.MULTILINE))
    assert shown == {name for name in PACKAGES if (ROOT / name).is_dir()} - {"docs"}


def test_no_two_decisions_have_one_number_and_each_says_what_enforces_it() -> None:
    records = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        text = path.read_text()
        assert text.startswith(f"# {path.name[:4]}"), path.name
        assert "What enforces it" in text or "**Check.**" in text, path.name


def test_every_query_that_is_told_of_is_answered_by_a_workflow() -> None:
    answered = {str(name) for each in WORKFLOWS for name in vars(each)["__temporal_workflow_definition"].queries}
    paragraphs = prose(ROOT / "docs" / "temporal-ui.md").split("\n\n")
    [told] = [paragraph for paragraph in paragraphs if "The query `" in paragraph]
    named = {word for word in words(told) if re.fullmatch(r"[a-z_]+", word)}
    assert named <= answered
    assert "journey" in named
