"""Wording: the numbers of a text, by name; and the standard texts, which are complete."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.forms.conditions import Condition
from rules.forms.fields import FieldType, FormField
from rules.forms.intake import BILLING_INFO, FEE_POLICY, INFORMED_CONSENT, INTAKE_FORMS, STANDARD_TEXTS
from rules.forms.texts import check_text
from rules.forms.wording import check_body, numbers_in, numbers_of, unwrapped, worded
from rules.money.terms import Terms
from rules.policy import JourneyPolicy
from rules.time_words import in_words

HOUR = timedelta(hours=1)
TERMS = Terms.of(JourneyPolicy())
AGREES = FormField(name="agrees", label="I agree", type=FieldType.AGREEMENT, required=True)
MINOR = FormField(name="minor", label="Are you under 18?", type=FieldType.YES_NO)
IF_MINOR = Condition(field="minor", is_=(True,))


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (48 * HOUR, "48 hours"),
        (HOUR, "1 hour"),
        (24 * HOUR, "24 hours"),
        (72 * HOUR, "72 hours"),
        (73 * HOUR, "73 hours"),
        (96 * HOUR, "4 days"),
        (1.5 * HOUR, "90 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(seconds=90), "90 seconds"),
        (timedelta(), "0 hours"),
    ],
)
def test_a_time_is_told_exactly(time: timedelta, words: str) -> None:
    assert in_words(time) == words


@given(seconds=st.integers(0, 40 * 86400))
def test_no_time_is_rounded(seconds: int) -> None:
    number, unit = in_words(timedelta(seconds=seconds)).split()
    units = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}
    assert int(number) * units[unit.removesuffix("s")] == seconds


def test_numbers_stand_by_name_and_another_name_is_a_fault() -> None:
    body = "Until {notice_window} before. Exactly {notice_window}. We try {charge_tries}."
    assert worded(body, TERMS) == "Until 48 hours before. Exactly 48 hours. We try 3 times."
    assert numbers_in(body) == frozenset({"notice_window", "charge_tries"})
    assert check_body(body) is check_body("No number.") is None
    for wrong in ("{}", "{Notice_window}", "{notice window}", "{fee}"):
        assert "there are notice_window, charge_after, charge_deadline, charge_tries" in (check_body(wrong) or ""), (
            wrong
        )
    once = Terms.of(JourneyPolicy(charge_retries=()))
    twice = Terms.of(JourneyPolicy(charge_retries=(HOUR,)))
    assert [numbers_of(terms)["charge_tries"] for terms in (once, twice)] == ["once", "twice"]


def test_lines_that_were_broken_become_paragraphs() -> None:
    assert unwrapped("\n# Head\n\none\ntwo\n\n- a\nb\n- c\n") == "# Head\n\none two\n\n- a b\n- c"


@pytest.mark.parametrize("kind", STANDARD_TEXTS)
def test_every_standard_text_can_be_published_as_it_is(kind: str) -> None:
    text = STANDARD_TEXTS[kind]
    assert check_text(kind, text.body, text.fields) == {}
    assert "{" not in worded(text.body, TERMS)
    for block in text.body.split("\n\n"):
        lines = block.splitlines()
        assert len(lines) == 1 or all(line.startswith("- ") for line in lines), block


def test_the_standard_texts_are_complete() -> None:
    """The consent says what a client consents to, and leaves money to the fee policy, which has every number."""
    consent, policy = STANDARD_TEXTS[INFORMED_CONSENT].body, STANDARD_TEXTS[FEE_POLICY].body
    headings = [line.removeprefix("# ") for line in consent.splitlines() if line.startswith("# ")]
    assert headings == [
        "What therapy is", "What stays between us", "Where confidentiality ends", "Sessions by video or telephone",
        "Emergencies", "Messages", "Your record", "Fees and insurance", "When therapy ends", "Your agreement",
    ]  # fmt: skip
    assert numbers_in(consent) == frozenset()
    assert numbers_in(policy) == numbers_of(TERMS).keys()
    required = [field.name for field in INTAKE_FORMS["initial_consultation"].fields if field.required]
    assert required == ["reason", "emergency_contact"]


@pytest.mark.parametrize(
    ("kind", "body", "fields", "wrong"),
    [
        (FEE_POLICY, "{notice_window}", (), []),
        (FEE_POLICY, "{notice_window}", (AGREES,), ["fields"]),
        (FEE_POLICY, "Two days.", (), ["body"]),
        (FEE_POLICY, "{window}", (), ["body"]),
        (INFORMED_CONSENT, "Words.", (AGREES,), []),
        (INFORMED_CONSENT, "Words.", (FormField(name="agrees", label="?", type=FieldType.YES_NO),), ["fields"]),
        (INFORMED_CONSENT, " ", (AGREES,), ["body"]),
        (INFORMED_CONSENT, "Words.", (MINOR, AGREES), []),
        (INFORMED_CONSENT, "Words.", (MINOR, replace(AGREES, when=IF_MINOR)), ["fields"]),  # may not be asked
        (BILLING_INFO, "", (MINOR, replace(AGREES, name="accepts_fee_policy", when=IF_MINOR)), ["fields"]),
        (BILLING_INFO, "", INTAKE_FORMS[BILLING_INFO].fields[:1], ["fields"]),
        ("diary", "{else}", (), ["body", "fields"]),
    ],
)
def test_what_a_text_must_be(kind: str, body: str, fields: tuple[FormField, ...], wrong: list[str]) -> None:
    assert sorted(check_text(kind, body, fields)) == wrong
