"""The documentation against the code: links, settings, messages, verbs, and the story for engineers."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from temporalio import workflow

from config import Settings
from config.production import NEEDED_IN_PRODUCTION
from engine.connect import search_attributes
from tests.care.at_stripe import AtStripe
from tests.care.story import Booked, Care, Person
from tests.docs.pages import PAGES, ROOT, table, words
from tests.journeys.conftest import care, policy
from web.settings import WebSettings
from workflows import messages
from workflows.handling.binding import bind
from workflows.registry import WORKFLOWS

__all__ = ["care", "policy"]  # fixtures of the story


# ---------------------------------------------------------------- links and settings


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name}: {target}"
        if anchor:
            titles = re.findall(r"^#+ (.+)$", there.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
            assert anchor in anchors, f"{page.name}: {target}"


def test_settings_are_those_of_the_code_with_their_defaults() -> None:
    rows = table((ROOT / "docs/production.md").read_text(), "setting", "default", "meaning")
    documented = {words(row[0])[0]: row[1] for row in rows}
    programs = (Settings, WebSettings)
    known = {name.upper() for program in programs for name in program.model_fields} - {"POLICY", "ENGINE"}
    assert documented.keys() == known | {"POLICY__<NAME>"}
    for name, told in documented.items():
        defaults = (Settings if name.lower() in Settings.model_fields else WebSettings).model_construct()
        if words(told):
            assert words(told) == [str(getattr(defaults, name.lower()))], name
        elif told == "-":
            assert not getattr(defaults, name.lower()), name
        else:
            value = getattr(defaults, name.lower(), None)
            assert name.startswith("POLICY__") or value is None or isinstance(value, SecretStr | str), name


def test_a_setting_of_several_programs_has_one_default() -> None:
    one, other = Settings.model_construct(), WebSettings.model_construct()
    for name in Settings.model_fields.keys() & WebSettings.model_fields.keys() - {"practice_colour"}:
        assert getattr(one, name) == getattr(other, name), name
    sheet = (ROOT / "web/static/style.css").read_text()
    assert f"--main: {one.practice_colour};" in sheet  # which is what the pages have where none is set


def test_what_production_needs_is_listed() -> None:
    told = re.search(
        r"^- any of (.*?) is missing;$", (ROOT / "docs/production.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert told
    assert set(words(told[1])) == set(NEEDED_IN_PRODUCTION)


def test_search_attributes_are_those_that_are_registered() -> None:
    rows = table((ROOT / "docs/architecture.md").read_text(), "search attribute", "type")
    assert {words(row[0])[0]: row[1] for row in rows} == search_attributes()


def test_updates_and_signals_take_what_the_page_for_support_staff_says() -> None:
    page = (ROOT / "docs/temporal-ui.md").read_text()
    known = {update.name: update for update in vars(messages).values() if isinstance(update, messages.Update)}
    rows = table(page, "of", "update")
    for row in rows:
        argument = known[words(row[1])[0]].argument
        given = set(words(re.sub(r"\(.*?\)", "", row[2])))  # an enum's words stand in brackets
        assert given <= {field.name for field in fields(argument)}, row
    assert {words(row[1])[0] for row in rows} == {name for name in known if not name.startswith("system.")}
    definitions = [workflow._Definition.must_from_class(each) for each in WORKFLOWS]
    there = {name for each in definitions for name in (*each.signals, *each.queries)}
    assert {name for name in there if f"`{name}`" not in page and not str(name).startswith("system.")} == set()
    signals = {messages.ARCHIVE: messages.ArchiveSignal, messages.UNARCHIVE: messages.UnarchiveSignal}
    for row in table(page, "signal", "what it does"):
        said = json.loads(words(row[2])[0])
        bind("archive", signals[words(row[0])[0]], (said,), own={}, request_id=str(uuid4()), strict=True)


def test_every_verb_for_engineers_exists() -> None:
    page = (ROOT / "docs/testing.md").read_text()
    known = {name for kind in (Care, Person, Booked) for name in (*dir(kind), *kind.__annotations__)}
    named = set(_verbs(page))
    assert len(named) > 30
    assert named <= known


def test_every_verb_for_engineers_takes_what_the_page_gives_it() -> None:
    page = (ROOT / "docs/testing.md").read_text()
    asked = 0
    for code in _in_verb_tables(page):
        said = (f"sara{code}" if code.startswith(".") else code).replace(", ...)", ")")
        for call in ast.walk(ast.parse(said)):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                assert any(_takes(kind, call.func.attr, call) for kind in (Care, Person, Booked, AtStripe)), code
                asked += 1
    assert asked > 40


def _takes(kind: type, verb: str, call: ast.Call) -> bool:
    """Three dots alone stand for whatever it takes."""
    if not hasattr(kind, verb):
        return False
    given = [each for each in call.args if not (isinstance(each, ast.Constant) and each.value is ...)]
    signature = inspect.signature(getattr(kind, verb))
    binds = signature.bind if len(given) == len(call.args) else signature.bind_partial
    try:
        binds(kind, *given, **{each.arg: each.value for each in call.keywords if each.arg})
    except TypeError:
        return False
    return True


def _in_verb_tables(page: str) -> list[str]:
    return words(" ".join(re.findall(r"\| verb \| what it does \|\n((?:^\|.*\n)+)", page, re.MULTILINE)))


def _verbs(page: str) -> Iterator[str]:
    for code in _in_verb_tables(page):
        yield from re.findall(r"(?:^|\b(?:care|sara|session|appointment))\.(\w+)", code)


# ---------------------------------------------------------------- the story


async def test_the_story_for_engineers_holds(care: Care) -> None:
    page = (ROOT / "docs/testing.md").read_text()
    [story] = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(story, "docs/testing.md", "exec"), names)  # noqa: S102 - our own page
    [told] = [value for name, value in names.items() if name.startswith("test_")]
    await told(care)
