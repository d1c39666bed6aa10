"""Settings as an owner reads them: by subject, with values in words."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_SUBJECTS = (
    ("The practice and its mails", r"PRACTICE_|MAIL_TEMPLATES|EMAIL_FROM|INSURANCE_EMAIL|CARE_TEAM_EMAIL"),
    (
        "Reminders and forms",
        r"POLICY__(ACTIVATION|FORM|BOOK_FIRST|ANONYMOUS|FIRST_SESSION|APPOINTMENT_REM|OUTCOME|NEW_MESSAGE)",
    ),
    ("Booking", r"POLICY__(NOTICE|HOLD_|WAITLIST)"),
    ("Money", r"POLICY__(CHARGE|CARD|SECOND_PERSON)"),
    ("Signing in", r"POLICY__(TOKEN|RESETS|SIGN_INS)|STAFF_SECOND_FACTOR|OIDC_"),
    ("Limits for visitors", r"POLICY__.*_PER_|POLICY__MAILS"),
    ("Addresses", r"PUBLIC_URL|STAFF_URL|TEMPORAL_UI_URL"),
)
OTHERS = "How the programs run"
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_UNITS = ("day", "hour", "minute", "second")


def by_subject(settings: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {name: [] for name in (*(name for name, _ in _SUBJECTS), OTHERS)}
    for one in settings:
        name = next((subject for subject, names in _SUBJECTS if re.match(names, one["name"])), OTHERS)
        found[name].append(one)
    return {name: those for name, those in found.items() if those}


def value_in_words(value: object) -> str:
    """Empty where there is none. ``P1DT16H`` is 1 day 16 hours."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value_in_words(one) for one in value)
    text = "" if value is None else str(value)
    parts = [one.strip() for one in text.split(",")]
    return ", ".join(_duration(one) for one in parts) if text else ""


def _duration(text: str) -> str:
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        return text
    told = [(int(number), unit) for number, unit in zip(match.groups(), _UNITS, strict=True) if number]
    return " ".join(f"{number} {unit if number == 1 else unit + 's'}" for number, unit in told)
