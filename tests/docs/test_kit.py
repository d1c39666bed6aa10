"""The page for whoever writes stories: every name that one can ask for, and every verb that moves the clock."""

import ast
import re

from rules.enums import TaskKind
from rules.mail.kinds import MAILS
from rules.timeline import FactKind
from tests.docs.pages import ROOT, table, words

PAGE = (ROOT / "docs/testing.md").read_text()
READERS = {
    "the client": "client",
    "the therapist": "therapist",
    "the care team": "care_team",
    "whoever signs in by the address": "account",
    "who keeps the anchors": "witness",
}


def test_every_mail_is_listed_with_its_reader() -> None:
    told = {mail: READERS[to] for to, mails in table(PAGE, "mailed to", "mails") for mail in words(mails)}
    assert told == {mail.value: kind.to.value for mail, kind in MAILS.items()}


def test_every_kind_of_task_is_listed_with_its_words() -> None:
    told = {words(kind)[0]: says for kind, says in table(PAGE, "task", "what a person is told")}
    assert told == {kind.value: kind.label for kind in TaskKind}


def test_every_fact_is_listed() -> None:
    [facts] = re.findall(r"which the timeline tells in words:\n(.*?)\n\n", PAGE, re.DOTALL)
    assert words(facts) == [kind.value for kind in FactKind]


def test_every_verb_that_moves_the_clock_is_named() -> None:
    """By the code of the verbs: whoever calls one that does, does."""
    tree = ast.parse((ROOT / "tests/care/story.py").read_text())
    verbs = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]
    calls = {verb.name: {each.attr for each in ast.walk(verb) if isinstance(each, ast.Attribute)} for verb in verbs}
    assert [name for name, called in calls.items() if "advance" in called] == ["_moves"], "there is one way"
    moving = {"_moves"}
    while more := {name for name, called in calls.items() if called & moving} - moving:
        moving |= more
    [composed] = re.findall(r"which are made of them: (.*?)\. What", PAGE, re.DOTALL)
    time = PAGE.partition("## Time")[2].partition("No other verb")[0]
    named = {word.rpartition(".")[2] for word in words(composed)} | set(re.findall(r"await care\.(\w+)\(", time))
    assert moving - {"_moves"} == named - {"now"}
