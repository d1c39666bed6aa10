"""The words that all details share: times as the practice's clocks tell them, money as money, names made harmless."""

import re
from datetime import UTC, datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from rules.enums import AppointmentType
    from rules.journey.reminders import (
        ANONYMOUS_EXPIRY,
        APPOINTMENT_STARTS,
        FIRST_SESSION_TASK,
        FORM_GATES,
        OUTCOME_BREACH,
        OUTCOME_TASK,
        Due,
    )
    from rules.local_time import find_zone
    from rules.mail.kinds import MAILS
    from rules.money.currencies import in_units
    from rules.plain_text import one_line

_LONGEST_NAME = 40
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~-])")

_DUE: dict[str, str] = {
    ANONYMOUS_EXPIRY: "closing, if nobody gives a name or books",
    FORM_GATES: "bookings waiting for a form that was asked for again",
    FIRST_SESSION_TASK: "a task for the care team, if no session is booked",
    APPOINTMENT_STARTS: "the start of an appointment, which may be without the forms",
    OUTCOME_TASK: "a task for the care team: the outcome is missing",
    OUTCOME_BREACH: "recording that the outcome came too late",
    **{mail.value: kind.in_ui for mail, kind in MAILS.items() if kind.in_ui},
}


def label_of(due: Due) -> str:
    """What falls due, as timers and details name it."""
    return _DUE.get(due.kind, "mail " + due.kind.replace("_", " "))


def at(instant: datetime, zone: str) -> str:
    """An instant on the clocks of a zone (IANA), and whose clocks: ``Thu 3 Dec 2026, 09:00 EST``."""
    local = instant.astimezone(find_zone(zone) or UTC)
    name = local.tzname() or ""
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M} {f'UTC{name}' if name[:1] in '+-' else name}"


def money(amount: int, currency: str) -> str:
    """Minor units as people write them: ``120.00 USD``."""
    return f"{in_units(amount, currency)} {currency}"


def name_of(type: AppointmentType) -> str:
    return type.value.replace("_", " ")


def person(first_name: str | None, ref: str) -> str:
    """Who it is about. A name comes from a public form: it is shown as it was written, and never as Markdown."""
    name = _MARKDOWN.sub(r"\\\1", one_line(first_name or "")[:_LONGEST_NAME].strip())
    return f"**{name}** ({ref})" if name else f"**Client {ref}**"
