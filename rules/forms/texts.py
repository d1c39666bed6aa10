"""What a practice's text must be, before it is published: its words, and its questions."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rules.forms.fields import Errors, FieldType, FormField, check_fields
from rules.forms.intake import BILLING_INFO, FEE_POLICY, INFORMED_CONSENT
from rules.forms.wording import check_body, numbers_in

KEPT: Mapping[str, str] = MappingProxyType({INFORMED_CONSENT: "agrees", BILLING_INFO: "accepts_fee_policy"})
"""The agreement that a form is signed for: without it, signing would say nothing."""
NEEDED_NUMBER = "notice_window"


def check_text(kind: str, body: str, fields: Sequence[FormField]) -> Errors:
    """What is wrong with a text of this kind, by field; empty when it can be published."""
    errors: Errors = {}
    wrong = check_body(body)
    if wrong is not None:
        errors["body"] = wrong
    if kind == FEE_POLICY:
        if fields:
            errors["fields"] = "belong to a form: the fee policy asks nothing, and is signed with Billing Info"
        if wrong is None and NEEDED_NUMBER not in numbers_in(body):
            errors["body"] = f"must say {{{NEEDED_NUMBER}}}: what is signed is what is applied"
        return errors
    errors |= check_fields(fields)
    if kind == INFORMED_CONSENT and not body.strip():
        errors["body"] = "must say what is agreed to"
    if kind in KEPT and not any(_is_signed(field, KEPT[kind]) for field in fields):
        errors["fields"] = f"must keep {KEPT[kind]}, an agreement that is always required: it is what is signed"
    return errors


def _is_signed(field: FormField, name: str) -> bool:
    """Whatever else is answered: with a condition, the form could be completed without it."""
    return field.name == name and field.type is FieldType.AGREEMENT and field.required and field.when is None
