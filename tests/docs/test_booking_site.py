"""The page for whoever builds a booking site, against the programs that it quotes and the API."""

import inspect
import re
from typing import Any

import pytest

from activities.practice import Links
from api.app import create_app
from tests.api.conftest import CIPHER, SETTINGS
from tests.docs.pages import ROOT, table, words

PAGE = (ROOT / "docs/booking-site.md").read_text()
PROGRAMS = {"python": "clients/python/*.py", "typescript": "clients/typescript/*.ts"}
SNIPPETS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("language", "snippet"), SNIPPETS, ids=[snippet.strip()[:40] for _, snippet in SNIPPETS])
def test_what_it_quotes_stands_in_a_program(language: str, snippet: str) -> None:
    programs = [path.read_text() for path in ROOT.glob(PROGRAMS[language])]
    assert any(snippet in program for program in programs)


def test_it_quotes_both_languages() -> None:
    assert {language for language, _ in SNIPPETS} == set(PROGRAMS)


def test_every_call_that_it_names_is_there() -> None:
    nothing: Any = None
    described = create_app(sessions=nothing, engine=nothing, clock=nothing, settings=SETTINGS, cipher=CIPHER).openapi()
    called = re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/\S+?)`", PAGE)
    assert len(called) > 20
    for method, path in called:
        assert method.lower() in described["paths"].get(path, {}), f"{method} {path}"


def test_every_refusal_that_it_names_has_a_schema_with_what_it_brings() -> None:
    nothing: Any = None
    described = create_app(sessions=nothing, engine=nothing, clock=nothing, settings=SETTINGS, cipher=CIPHER).openapi()
    schemas = {
        schema["properties"]["type"]["const"].rsplit("/", 1)[-1]: schema
        for name, schema in described["components"]["schemas"].items()
        if name.endswith("Problem")
    }
    for name, brings, _ in table(PAGE, "name", "it brings"):
        assert words(brings)[0] in schemas[words(name)[0]]["required"]


def test_every_address_that_mails_link_to_is_told() -> None:
    told = {words(row[0])[0].split("/")[1] for row in table(PAGE, "address", "what it is")}
    source = inspect.getsource(Links)
    linked = set(re.findall(r"self\._page\(\"(\w+)\"", source))
    assert linked
    assert linked | {"problems"} == told
