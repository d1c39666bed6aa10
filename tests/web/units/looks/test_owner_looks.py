"""What owners' pages are made of: differences of texts, questions of forms, pictures of totals, settings, profiles."""

import pytest
from starlette.datastructures import FormData

from web.looks.bars import bars
from web.looks.differences import differences
from web.looks.profiles import codes_of, licence_rows, slug_of, typed_licences, wrong_here
from web.looks.questions import NoQuestion, changes, chosen_of, condition_of, name_for, possible, question_of
from web.looks.settings import OTHERS, by_subject, value_in_words
from web.sent import Sent

SLEPT = {"name": "slept", "label": "Did you sleep?", "type": "yes_no", "required": False, "options": [], "most": None}
HOW = {"name": "how", "label": "How?", "type": "scale", "least": 0, "most": 2}


def sent(*pairs: tuple[str, str]) -> Sent:
    return Sent(FormData(list(pairs)))


def test_lines_of_a_text_end_as_everybody_else_ends_them() -> None:
    assert sent(("body", "# One\r\n\r\nTwo\r\n")).get("body") == "# One\n\nTwo"


def test_only_what_changed_in_a_text_is_told_with_the_words_that_came_and_went() -> None:
    before = "# Fees\n\nAn intro call is free.\n\nPay <soon>."
    told = differences(before, "# Fees\n\nAn intro call is always free.\n\nPay <soon>.\n\nThe end.")
    assert [str(one) for one in told] == ["An intro call is <ins>always </ins>free.", "<ins>The end.</ins>"]
    assert [str(one) for one in differences("Pay <soon>.", "Pay <now>.")] == [
        "Pay &lt;<del>soon</del><ins>now</ins>&gt;."
    ]
    assert differences(before, before) == []
    assert [str(one) for one in differences("", "New.")] == ["<ins>New.</ins>"]


def test_changes_of_questions_are_told() -> None:
    louder = SLEPT | {"label": "Did you sleep well?"}
    assert list(changes([SLEPT, HOW], [HOW, louder])) == [
        "Changed: Did you sleep well?",
        "They stand in another order.",
    ]
    assert list(changes([SLEPT], [SLEPT, HOW])) == ["New: How?"]
    assert list(changes([SLEPT, HOW], [SLEPT])) == ["Taken out: How?"]


def test_a_condition_goes_through_a_page_and_back() -> None:
    assert possible(SLEPT) == [("slept=true", "Yes", ""), ("slept=false", "No", "")]
    assert [code for code, _, _ in possible(HOW)] == ["how=0", "how=1", "how=2"]
    when = condition_of(["how=1", "how=2"])
    assert when == {"field": "how", "is": [1, 2]}
    assert chosen_of(SLEPT | {"when": when}) == ["how=1", "how=2"]
    assert chosen_of(SLEPT) == []
    assert condition_of([]) is None
    for wrong in (["how=1", "slept=true"], ["how=no json"]):
        with pytest.raises(NoQuestion) as told:
            condition_of(wrong)
        assert told.value.field == "when"


def test_a_question_is_read_from_its_page() -> None:
    scale = question_of(
        None, sent(("label", "How?"), ("least", "0"), ("most", "ten"), ("least_label", "bad")), name="how", type="scale"
    )
    assert scale == {"name": "how", "label": "How?", "type": "scale", "required": False,
                     "least": 0, "most": "ten", "least_label": "bad"}  # fmt: skip
    choice = question_of(None, sent(("label", "Where?"), ("options", "Bed\r\n\r\n Sofa ")), name="where", type="choice")
    assert choice["options"] == ["Bed", "Sofa"]
    group = {"name": "who", "label": "Who?", "type": "group", "fields": [SLEPT]}
    again = question_of(group, sent(("label", "Whom?"), ("required", "yes")), name="who", type="group")
    assert (again["label"], again["required"], again["fields"]) == ("Whom?", True, [SLEPT])
    with pytest.raises(NoQuestion):
        question_of(None, sent(("label", " ")), name="x", type="text")
    assert name_for("Did you sleep?", {"did_you_sleep"}) == "did_you_sleep_2"
    assert name_for("3 wishes", set()) == "q_3_wishes"
    assert name_for("?!", set()) == "question"


def test_bars_stand_on_one_line_and_the_highest_reaches_the_top() -> None:
    drawn = bars("Paid", ["Dec 2026", "Jan 2027", "Feb 2027"], [(100, "1.00 USD"), (0, "0.00 USD"), (50, "0.50 USD")])
    assert [bar.height for bar in drawn.bars] == [96, 0, 48]
    assert {bar.y + bar.height for bar in drawn.bars} == {drawn.line}
    assert [bar.year for bar in drawn.bars] == ["2026", "2027", ""]
    assert [bar.told for bar in drawn.bars] == ["1.00", "0.00", "0.50"]
    assert not drawn.empty
    assert bars("Nothing", ["Dec 2026"], [(0, "0")]).empty
    assert bars("No months", [], []).empty


def test_settings_stand_by_subject_with_values_in_words() -> None:
    names = ("POLICY__CHARGE_AFTER", "PRACTICE_NAME", "WEB_PORT", "POLICY__HOLDS_PER_VISITOR")
    found = by_subject([{"name": name} for name in names])
    assert [(subject, [one["name"] for one in those]) for subject, those in found.items()] == [
        ("The practice and its mails", ["PRACTICE_NAME"]),
        ("Money", ["POLICY__CHARGE_AFTER"]),
        ("Limits for visitors", ["POLICY__HOLDS_PER_VISITOR"]),
        (OTHERS, ["WEB_PORT"]),
    ]
    for value, words in (
        ("P1DT16H", "1 day 16 hours"), ("P1D, PT1H", "1 day, 1 hour"), (["P2D", "PT30M"], "2 days, 30 minutes"),
        ("P", "P"), ("", ""), (None, ""), (True, "yes"), (False, "no"), (20, "20"), ("UTC", "UTC"),
    ):  # fmt: skip
        assert value_in_words(value) == words


def test_a_profile_is_read_from_its_page_and_what_is_wrong_goes_beside_its_input() -> None:
    profile = {"licensed_in": ["NY", "NJ"], "licences": [{"state": "NY", "number": "085512"}]}
    assert licence_rows(profile, None) == [("NY", "085512"), ("NJ", ""), ("", ""), ("", "")]
    assert licence_rows(None, None) == [("", "")] * 3
    typed = sent(
        ("licence.0.state", "NY"),
        ("licence.2.state", "ZZ"),
        ("licence.2.number", "1"),
        ("languages", "English; Elvish"),
    )
    assert typed_licences(typed) == [("NY", ""), ("ZZ", "1")]
    wrong = {
        "licensed_in[1]": "no", "licences[0].state": "no", "languages[1]": "is none", "session_fee.amount": "x",
        "session_fee.currency": "x", "name": "is required", "licences": "one for each state",
    }  # fmt: skip
    assert wrong_here(wrong, typed) == [
        ("licence.1.state", "no"), ("licence.1.state", "no"), ("languages", "Elvish is none"), ("fee", "x"),
        ("currency", "x"), ("name", "is required"), ("licence.1.state", "one for each state"),
    ]  # fmt: skip
    words = [{"code": "en", "name": "English"}]
    assert codes_of(["english", "EN", "Elvish"], words) == ["en", "en", "Elvish"]
    assert slug_of("Nína Ode-Müller") == "nina-ode-muller"
