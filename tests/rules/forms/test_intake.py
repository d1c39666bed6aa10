"""The intake forms: what completes each of them, and each wrong answer told by its field."""

from typing import Any

import pytest

from rules.forms.fields import check_answers, check_fields
from rules.forms.intake import INTAKE_FORMS

CONTACT = {"name": "Jo Lind", "phone": "+12125550101"}
GOOD: dict[str, dict[str, Any]] = {
    "informed_consent": {"agrees": True},
    "initial_consultation": {"reason": "Sleep", "emergency_contact": CONTACT},
    "billing_info": {"billing_name": "Sara Lind", "accepts_fee_policy": True},
}


def wrong(kind: str, answers: dict[str, Any], signature: str = "Sara Lind") -> list[str]:
    return sorted(check_answers(INTAKE_FORMS[kind].fields, answers, signature))


def test_every_intake_form_can_be_asked_and_completed() -> None:
    assert GOOD.keys() == INTAKE_FORMS.keys()
    for kind, form in INTAKE_FORMS.items():
        assert check_fields(form.fields) == {}
        assert wrong(kind, GOOD[kind]) == []
        assert wrong(kind, GOOD[kind], " ") == wrong(kind, GOOD[kind], "x" * 201) == ["signature"]
    assert wrong("initial_consultation", GOOD["initial_consultation"] | {"goals": "x" * 10_000, "history": ""}) == []


@pytest.mark.parametrize(
    ("kind", "more", "fields"),
    [
        ("informed_consent", {"agrees": False}, ["agrees"]),
        ("informed_consent", {"agrees": None}, ["agrees"]),
        ("informed_consent", {"agrees": "true"}, ["agrees"]),
        ("informed_consent", {"agrees": 1}, ["agrees"]),
        ("informed_consent", {"else": True}, ["else"]),
        ("initial_consultation", {"reason": " "}, ["reason"]),
        ("initial_consultation", {"reason": None}, ["reason"]),
        ("initial_consultation", {"reason": 5}, ["reason"]),
        ("initial_consultation", {"reason": "x" * 10_001}, ["reason"]),
        ("initial_consultation", {"goals": 5, "history": []}, ["goals", "history"]),
        ("initial_consultation", {"emergency_contact": None}, ["emergency_contact"]),
        ("initial_consultation", {"emergency_contact": "Jo"}, ["emergency_contact"]),
        ("initial_consultation", {"emergency_contact": []}, ["emergency_contact"]),
        ("initial_consultation", {"emergency_contact": {}}, ["emergency_contact.name", "emergency_contact.phone"]),
        ("initial_consultation", {"emergency_contact": CONTACT | {"name": " "}}, ["emergency_contact.name"]),
        ("initial_consultation", {"emergency_contact": CONTACT | {"name": "x" * 201}}, ["emergency_contact.name"]),
        ("initial_consultation", {"emergency_contact": CONTACT | {"phone": "1" * 51}}, ["emergency_contact.phone"]),
        ("initial_consultation", {"emergency_contact": CONTACT | {"else": 1}}, ["emergency_contact.else"]),
        ("billing_info", {"accepts_fee_policy": False}, ["accepts_fee_policy"]),
        ("billing_info", {"billing_name": ""}, ["billing_name"]),
        ("billing_info", {"billing_name": "x" * 201}, ["billing_name"]),
        ("billing_info", {"card": "4242"}, ["card"]),
    ],
)
def test_each_wrong_answer_is_told_by_its_field(kind: str, more: dict[str, Any], fields: list[str]) -> None:
    assert wrong(kind, GOOD[kind] | more) == [f"answers.{field}" for field in fields]
