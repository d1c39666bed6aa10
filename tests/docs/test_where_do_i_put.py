"""The page "Where do I put ..." against the tree: each example occurs in exactly the files that the page names."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, table, words

PAGE = "docs/where-do-i-put.md"
FOLDERS = (
    "activities",
    "api",
    "bench",
    "calendars",
    "engine",
    "local",
    "models",
    "rules",
    "sandbox",
    "templates",
    "workflows",
)
OF_THE_PAGES = "A page"  # the pages name what the API names: of other things they have no place
SUFFIXES = {".py", ".txt", ".html", ".yaml"}
BEGINS = r"(?<!\w)"
NO_PRODUCT = ("tests/", "docs/", "README.md", "models/migrations/", "bench/large_practice.py", "bench/peers/")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """``names`` of the example; ``places`` in the order of the page; ``fails``: what it says of each."""

    title: str
    text: str
    names: tuple[str, ...]
    places: tuple[str, ...]
    fails: tuple[str, ...]


def answers() -> list[Answer]:
    page = (ROOT / PAGE).read_text()
    found = []
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        [example] = re.findall(r"^Example: (.*)$", section, re.MULTILINE)
        rows = table(section, "place", "what goes there", "what fails without it")
        found.append(
            Answer(
                title=section.splitlines()[0],
                text=section,
                names=tuple(name for name in words(example) if " " not in name),
                places=tuple(words(row[0])[0] for row in rows),
                fails=tuple(row[2] for row in rows),
            )
        )
    return found


ANSWERS = answers()
EACH = pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.title)


def named(names: tuple[str, ...], text: str) -> bool:
    return any(re.search(rf"{BEGINS if name[0].isidentifier() else ''}{re.escape(name)}(?!\w)", text) for name in names)


def product(title: str = "") -> dict[str, str]:
    """Every file of the product, with its path, which may say the name too."""
    folders = ("web",) if title == OF_THE_PAGES else FOLDERS
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    paths += [path for path in ROOT.iterdir() if path.suffix == ".py"]
    found = {path.relative_to(ROOT).as_posix(): path.read_text() for path in paths}
    return {path: f"{path}\n{text}" for path, text in found.items() if not path.startswith(NO_PRODUCT)}


def test_there_is_an_answer_for_each_thing() -> None:
    assert [answer.title for answer in ANSWERS] == [
        "A rule",
        "A mail",
        "A form",
        "A setting",
        "A task kind",
        "A message",
        "A call",
        "A page",
        "A table",
        "An event",
        "A benchmark",
    ]
    assert all(answer.names and len(answer.places) >= 3 for answer in ANSWERS)


@EACH
def test_its_example_stands_in_exactly_the_places_that_are_named(answer: Answer) -> None:
    stands = {path for path, text in product(answer.title).items() if named(answer.names, text)}
    told = {path for path in answer.places if not path.startswith(NO_PRODUCT)}
    what = f'"{answer.title}" in {PAGE}, by its example {answer.names[0]}'
    assert stands - told == set(), f"{what}: name these places too, and what fails without them, or do without them"
    assert told - stands == set(), f"{what}: the example is not there any more; take these places off the page"


@EACH
def test_its_example_is_tested_and_told_where_the_page_says(answer: Answer) -> None:
    for path in answer.places:
        if path.startswith(NO_PRODUCT):
            assert (ROOT / path).is_file(), f"{PAGE}: there is no {path}"
            assert named(answer.names, (ROOT / path).read_text()), f"{PAGE}: {path} does not name {answer.names[0]}"


@EACH
def test_what_fails_is_a_test_that_is_there(answer: Answer) -> None:
    said = [(place, cell) for place, cell in zip(answer.places, answer.fails, strict=True)]
    # Beneath the table: `a file`: `a test`, whatever stands between.
    said += [("", line) for line in re.findall(r"`tests/[\w/]+\.py`:\s+`test_\w+`", answer.text)]
    for place, cell in said:
        tests = [word for word in words(cell) if word.startswith("test_")]
        files = [word for word in words(cell) if word.startswith("tests/")] or ([place] if tests else [])
        known = {name for file in files for name in functions(ROOT / file)}
        assert set(tests) <= known, f"{PAGE}: {files} has no {set(tests) - known}"


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
