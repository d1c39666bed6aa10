"""Questions that are asked only with some answers: what may be asked so, and what is then an answer."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.forms.conditions import Condition
from rules.forms.fields import FieldType, FormField, asked, check_answers, check_fields, field_at, files_in

SLEPT = FormField(name="slept", label="Did you sleep?", type=FieldType.YES_NO, required=True)
HOW = FormField(
    name="how",
    label="How well?",
    type=FieldType.SCALE,
    required=True,
    least=0,
    most=10,
    least_label="badly",
    most_label="well",
    when=Condition(field="slept", is_=(True,)),
)
DREAMS = FormField(
    name="dreams", label="Dreams", type=FieldType.LONG_TEXT, required=True, when=Condition(field="how", is_=(9, 10))
)
HELPS = FormField(name="helps", label="Helps", type=FieldType.CHOICES, options=("tea", "other"))
OTHER = FormField(
    name="other", label="What?", type=FieldType.TEXT, required=True, when=Condition(field="helps", is_=("other",))
)
FIELDS = (SLEPT, HOW, DREAMS, HELPS, OTHER)


def wrong(answers: dict[str, Any]) -> list[str]:
    return sorted(name.removeprefix("answers.") for name in check_answers(FIELDS, answers, "Sara Lind"))


def test_a_form_with_conditions_is_kept_as_a_document_and_read_back() -> None:
    assert check_fields(FIELDS) == {}
    assert tuple(FormField.from_document(field.to_document()) for field in FIELDS) == FIELDS
    assert HOW.to_document()["when"] == {"field": "slept", "is": [True]}
    assert "when" not in SLEPT.to_document()  # as before there were any


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"slept": False}, []),
        ({"slept": True}, ["how"]),  # required, since it is asked
        ({"slept": True, "how": 3}, []),
        ({"slept": True, "how": 9}, ["dreams"]),
        ({"slept": True, "how": 10, "dreams": "of the sea"}, []),
        ({"slept": False, "how": 3}, ["how"]),  # it was not asked
        ({"slept": False, "how": None, "dreams": " "}, []),  # which says nothing
        ({"slept": False, "how": 9, "dreams": "x"}, ["dreams", "how"]),  # what decides was not asked itself
        ({"slept": 1}, ["slept"]),
        ({"slept": True, "how": 3, "dreams": "x"}, ["dreams"]),
        ({"slept": False, "helps": ["tea"]}, []),
        ({"slept": False, "helps": ["tea", "other"]}, ["other"]),
        ({"slept": False, "helps": ["other"], "other": "walks"}, []),
        ({"slept": False, "other": "walks"}, ["other"]),
        ({"slept": True, "how": True}, ["how"]),
        ({"slept": True, "how": 11}, ["how"]),
        ({"slept": True, "how": -1}, ["how"]),
        ({"slept": True, "how": 3.0}, ["how"]),
    ],
)
def test_what_is_asked_follows_from_the_answers_before(answers: dict[str, Any], told: list[str]) -> None:
    assert wrong(answers) == told


@pytest.mark.parametrize(
    ("field", "told"),
    [
        (replace(HOW, when=Condition(field="how", is_=(1,))), "when.field"),  # itself
        (replace(HOW, when=Condition(field="dreams", is_=("x",))), "when.field"),  # one that comes later
        (replace(HOW, when=Condition(field="nobody", is_=(True,))), "when.field"),
        (replace(HOW, when=Condition(field="slept", is_=())), "when.is"),
        (replace(HOW, when=Condition(field="slept", is_=("yes",))), "when.is"),
        (replace(HOW, when=Condition(field="slept", is_=(1,))), "when.is"),
        (replace(HOW, least=None), "least"),
        (replace(HOW, least=10), "most"),
        (replace(HOW, least=-91), "most"),
        (replace(HOW, type=FieldType.NUMBER, least_label=None, most_label=None), "least"),
        (replace(HOW, accepts=("application/pdf",)), "accepts"),
    ],
)
def test_what_cannot_be_asked_so_is_told_by_field(field: FormField, told: str) -> None:
    assert list(check_fields((SLEPT, field))) == [f"fields[1].{told}"]


def test_nothing_is_decided_by_words_that_somebody_types() -> None:
    text = FormField(name="why", label="Why?", type=FieldType.TEXT)
    about = replace(HOW, when=Condition(field="why", is_=("x",)))
    assert list(check_fields((text, about))) == ["fields[1].when.field"]


def test_inside_a_group_a_condition_is_about_the_group() -> None:
    group = FormField(name="night", label="The night", type=FieldType.GROUP, fields=(SLEPT, HOW))
    assert check_fields((group,)) == {}
    outside = replace(group, fields=(HOW,))
    assert list(check_fields((SLEPT, outside))) == ["fields[1].fields[0].when.field"]
    whole = replace(group, when=Condition(field="slept", is_=(True,)), required=True)
    for answers, told in (
        ({"slept": False}, []),
        ({"slept": False, "night": {"slept": None}}, []),
        ({"slept": False, "night": {"slept": True}}, ["answers.night"]),
        ({"slept": True, "night": {"slept": True}}, ["answers.night.how"]),
    ):
        assert list(check_answers((SLEPT, whole), answers, "Sara")) == told


# ---------------------------------------------------------------- files and names

SCAN = FormField(name="scan", label="Scan", type=FieldType.FILE, most=2, accepts=("application/pdf",))
ID, OTHER_ID = "6f1c1c7e-3a52-4b0b-8a77-0c1f1f2c9b10", "6f1c1c7e-3a52-4b0b-8a77-0c1f1f2c9b11"


@pytest.mark.parametrize("answer", [None, [], [ID], [ID, OTHER_ID]])
def test_a_file_is_answered_by_ids(answer: Any) -> None:
    assert check_answers((SCAN,), {"scan": answer}, "Sara") == {}


@pytest.mark.parametrize(
    "answer", [ID, [1], ["x"], [ID, ID], [ID, OTHER_ID, ID.replace("6f", "7f")], [ID.upper()], {"id": ID}, [None]]
)
def test_and_by_nothing_else(answer: Any) -> None:
    assert list(check_answers((SCAN,), {"scan": answer}, "Sara")) == ["answers.scan"]


def test_the_files_of_answers_are_known_by_their_questions() -> None:
    group = FormField(name="cover", label="Cover", type=FieldType.GROUP, fields=(SCAN,))
    hidden = replace(SCAN, name="more", when=Condition(field="slept", is_=(True,)))
    fields = (SLEPT, group, hidden)
    found = files_in(fields, {"slept": False, "cover": {"scan": [ID]}})
    assert {str(id): path for id, path in found.items()} == {ID: "cover.scan"}
    assert field_at(fields, "cover.scan") == SCAN
    assert field_at(fields, "cover.none") is field_at(fields, "scan") is field_at(fields, "slept.x") is None


@pytest.mark.parametrize(("more", "told"), [({"most": 11}, "most"), ({"accepts": ("text/html",)}, "accepts")])
def test_a_file_accepts_what_is_kept(more: dict[str, Any], told: str) -> None:
    assert list(check_fields((replace(SCAN, **more),))) == [f"fields[0].{told}"]


def test_a_signature_in_a_form_is_one_line() -> None:
    name = FormField(name="guardian", label="Guardian's signature", type=FieldType.SIGNATURE, required=True)
    assert check_fields((name,)) == {}
    assert check_answers((name,), {"guardian": "Jo Lind"}, "Sara") == {}
    for answer in (None, " ", 1, "a\nb", "x" * 201):
        assert list(check_answers((name,), {"guardian": answer}, "Sara")) == ["answers.guardian"]


# ---------------------------------------------------------------- whatever is answered

_ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "slept": st.sampled_from([True, False, None, "x"]),
        "how": st.sampled_from([0, 9, 10, None, 99]),
        "dreams": st.sampled_from(["of the sea", "", None]),
        "helps": st.sampled_from([["tea"], ["other"], [], None]),
        "other": st.sampled_from(["walks", "", None]),
    },
)


@given(_ANSWERS)
def test_what_is_complete_has_an_answer_to_all_that_is_required_and_to_nothing_that_was_not_asked(
    answers: dict[str, Any],
) -> None:
    if wrong(answers):
        return
    shown = {field.name for field in asked(FIELDS, answers)}
    said = {name for name, answer in answers.items() if answer not in (None, "", [])}
    assert said <= shown
    assert {field.name for field in asked(FIELDS, answers) if field.required} <= said
    assert wrong({name: answer for name, answer in answers.items() if name in shown}) == []
