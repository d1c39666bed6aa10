"""The intake forms: what they are called, which version is asked for, and what an answer must contain."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rules.enums import FormKind


@dataclass(frozen=True, kw_only=True)
class FormDefinition:
    kind: FormKind
    version: int
    title: str


INTAKE_FORMS: Mapping[FormKind, FormDefinition] = {
    FormKind.INFORMED_CONSENT: FormDefinition(
        kind=FormKind.INFORMED_CONSENT, version=1, title="Informed Consent & Confidentiality"
    ),
    FormKind.INITIAL_CONSULTATION: FormDefinition(
        kind=FormKind.INITIAL_CONSULTATION, version=1, title="Initial Consultation Form"
    ),
    FormKind.BILLING_INFO: FormDefinition(kind=FormKind.BILLING_INFO, version=1, title="Billing Info"),
}

FEE_POLICY_VERSION = "2026-1"
FEE_POLICY_TEXT = (
    "I agree that my card is saved and charged after each session that took place, within 48 hours of its end. "
    "If I cancel less than 48 hours before a session, or do not come, the full fee is due."
)

Errors = dict[str, str]


def outstanding(complete: Mapping[str, int]) -> tuple[str, ...]:
    """The intake forms still missing, in the order they are asked; ``complete`` gives the newest version completed."""
    return tuple(kind.value for kind, form in INTAKE_FORMS.items() if complete.get(kind.value, 0) < form.version)


def check_answers(kind: str, answers: Mapping[str, Any], signature: str) -> Errors:
    """What is wrong with an answer: field (as a path in the request) -> message; empty when it is complete."""
    errors: Errors = {}
    if not signature.strip():
        errors["signature"] = "type your full name"
    elif len(signature) > 200:
        errors["signature"] = "at most 200 characters"
    check = _CHECKS.get(kind)
    if check is None:
        errors["kind"] = f"there is no form named {kind}"
    else:
        check(answers, errors)
    return errors


def _informed_consent(answers: Mapping[str, Any], errors: Errors) -> None:
    _only(answers, {"agrees"}, errors)
    _must_be_true(answers, "agrees", errors)


def _initial_consultation(answers: Mapping[str, Any], errors: Errors) -> None:
    _only(answers, {"reason", "goals", "history", "emergency_contact"}, errors)
    _text(answers, "reason", errors, required=True)
    _text(answers, "goals", errors)
    _text(answers, "history", errors)
    contact = answers.get("emergency_contact")
    if not isinstance(contact, Mapping):
        errors["answers.emergency_contact"] = "give a name and a phone number"
        return
    _only(contact, {"name", "phone"}, errors, prefix="answers.emergency_contact")
    _text(contact, "name", errors, required=True, prefix="answers.emergency_contact", most=200)
    _text(contact, "phone", errors, required=True, prefix="answers.emergency_contact", most=50)


def _billing_info(answers: Mapping[str, Any], errors: Errors) -> None:
    _only(answers, {"billing_name", "accepts_fee_policy"}, errors)
    _text(answers, "billing_name", errors, required=True, most=200)
    _must_be_true(answers, "accepts_fee_policy", errors)


_CHECKS: Mapping[str, Callable[[Mapping[str, Any], Errors], None]] = {
    FormKind.INFORMED_CONSENT: _informed_consent,
    FormKind.INITIAL_CONSULTATION: _initial_consultation,
    FormKind.BILLING_INFO: _billing_info,
}


def _only(answers: Mapping[str, Any], known: set[str], errors: Errors, *, prefix: str = "answers") -> None:
    for name in answers.keys() - known:
        errors[f"{prefix}.{name}"] = "is not a question of this form"


def _must_be_true(answers: Mapping[str, Any], name: str, errors: Errors) -> None:
    if answers.get(name) is not True:
        errors[f"answers.{name}"] = "must be true"


def _text(
    answers: Mapping[str, Any],
    name: str,
    errors: Errors,
    *,
    required: bool = False,
    prefix: str = "answers",
    most: int = 10_000,
) -> None:
    value = answers.get(name)
    if value is None and not required:
        return
    if not isinstance(value, str) or (required and not value.strip()):
        errors[f"{prefix}.{name}"] = "must be a text" if value is not None else "is required"
    elif len(value) > most:
        errors[f"{prefix}.{name}"] = f"at most {most} characters"
