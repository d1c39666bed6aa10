"""The tree as a reader finds it: a name means one thing, and a folder can be seen at a glance."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

MOST_FILES = 15


def product() -> Iterator[Path]:
    """Every module outside of the tests."""
    yield from ROOT.glob("*.py")
    for package in ROOT.glob("*/__init__.py"):
        if package.parent.name != "tests":
            yield from package.parent.rglob("*.py")


@pytest.mark.parametrize("of_the_pages", [False, True])
def test_no_class_name_is_used_twice(of_the_pages: bool) -> None:
    """The pages are a site like any other: they import nothing of the product, so their names are their own."""
    places = defaultdict(list)
    for path in product():
        if path.is_relative_to(ROOT / "web") != of_the_pages:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_folder_has_more_files_than_are_seen_at_a_glance() -> None:
    """``__init__.py`` says what the folder is, and does not count; recorded histories are no code."""
    files = defaultdict(set)
    for path in (*product(), *(ROOT / "tests").rglob("*.py")):
        if path.name != "__init__.py":
            files[path.parent.relative_to(ROOT).as_posix()].add(path.name)
    assert {folder: len(names) for folder, names in files.items() if len(names) > MOST_FILES} == {}
