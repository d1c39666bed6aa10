"""The practice's own forms: what may be asked, and each wrong answer told by its field."""

from dataclasses import replace
from typing import Any

import pytest

from rules.forms.fields import FieldType, FormField, check_answers, check_fields
from rules.forms.templates import check_kind, kind_of

TEXT = FormField(name="name", label="Your name", type=FieldType.TEXT, required=True)
CHOICE = FormField(name="day", label="Best day", type=FieldType.CHOICE, options=("Mon", "Tue"))
FIELDS = (
    TEXT,
    FormField(name="story", label="What happened", type=FieldType.LONG_TEXT, most=20),
    FormField(name="slept", label="Did you sleep", type=FieldType.YES_NO, required=True),
    CHOICE,
    FormField(name="helps", label="What helps", type=FieldType.CHOICES, options=("a", "b", "c"), most=2),
    FormField(name="hours", label="Hours", type=FieldType.NUMBER, most=24),
    FormField(name="since", label="Since", type=FieldType.DATE),
)
GOOD: dict[str, Any] = {"name": "Sara", "slept": False}


def test_a_form_is_kept_as_a_document_and_read_back() -> None:
    assert check_fields(FIELDS) == {}
    assert tuple(FormField.from_document(field.to_document()) for field in FIELDS) == FIELDS


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        (replace(TEXT, name="Your name"), "name"),
        (replace(TEXT, name="x" * 61), "name"),
        (replace(TEXT, name="slept"), "name"),  # asked already
        (replace(TEXT, label="  "), "label"),
        (replace(TEXT, options=("a",)), "options"),
        (replace(CHOICE, options=()), "options"),
        (replace(CHOICE, options=("a", "a")), "options"),
        (replace(CHOICE, options=("a", " ")), "options"),
        (replace(CHOICE, options=tuple(map(str, range(101)))), "options"),
        (replace(CHOICE, most=1), "most"),
        (replace(TEXT, most=0), "most"),
        (replace(TEXT, most=201), "most"),
        (replace(FIELDS[1], name="more", most=10_001), "most"),
        (replace(FIELDS[4], name="more", most=4), "most"),
    ],
)
def test_what_cannot_be_asked_is_told_by_field(field: FormField, wrong: str) -> None:
    assert list(check_fields((FIELDS[2], field))) == [f"fields[1].{wrong}"]


def test_a_form_asks_something_and_not_too_much() -> None:
    assert list(check_fields(())) == ["fields"]
    many = [replace(TEXT, name=f"q{number}") for number in range(101)]
    assert list(check_fields(many)) == ["fields"]
    assert check_fields(many[1:]) == {}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"story": "", "day": None, "helps": [], "hours": None, "since": ""},
        {"story": "two\nlines", "day": "Tue", "helps": ["c", "a"], "hours": 7.5, "since": "2024-02-29"},
        {"hours": -3},
    ],
)
def test_complete_answers_are_taken(more: dict[str, Any]) -> None:
    assert check_answers(FIELDS, GOOD | more, "Sara Lind") == {}


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"name": " "}, "name"),
        ({"name": None}, "name"),
        ({"name": 5}, "name"),
        ({"name": ["Sara"]}, "name"),
        ({"name": "Sara\nBcc: all@evil.example"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"story": "x" * 21}, "story"),
        ({"slept": None}, "slept"),
        ({"slept": "yes"}, "slept"),
        ({"slept": 1}, "slept"),
        ({"day": "Wed"}, "day"),
        ({"day": ["Mon"]}, "day"),
        ({"helps": "a"}, "helps"),
        ({"helps": ["a", "d"]}, "helps"),
        ({"helps": ["a", "a"]}, "helps"),
        ({"helps": ["a", {}]}, "helps"),
        ({"helps": ["a", "b", "c"]}, "helps"),
        ({"hours": "7"}, "hours"),
        ({"hours": True}, "hours"),
        ({"hours": 24.5}, "hours"),
        ({"hours": float("nan")}, "hours"),
        ({"since": "2026-02-30"}, "since"),
        ({"since": "20260201"}, "since"),
        ({"since": 20260201}, "since"),
        ({"else": "x"}, "else"),
    ],
)
def test_each_wrong_answer_is_told_by_field(more: dict[str, Any], wrong: str) -> None:
    assert list(check_answers(FIELDS, GOOD | more, "Sara Lind")) == [f"answers.{wrong}"]
    everything = check_answers(FIELDS, {"else": 1}, " ")
    assert list(everything) == ["signature", "answers.else", "answers.name", "answers.slept"]


def test_a_kind_is_made_from_a_title_and_never_an_intake_forms() -> None:
    assert kind_of("Sleep diary, week 2") == "sleep_diary_week_2"
    assert kind_of("Überblick  ") == "uberblick"
    assert kind_of("睡眠") == kind_of("睡眠") != kind_of("食事")
    for title in ("Sleep diary", "睡眠", "x" * 300, "a-b"):
        assert check_kind(kind_of(title)) is None, title
    for kind in ("", "Sleep", "sleep diary", "_sleep", "sleep__diary", "x" * 81, "billing_info", "a/b"):
        assert check_kind(kind), kind
