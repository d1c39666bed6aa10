"""Audited exceptions: which facts of a timeline tell that somebody set a rule aside, or that one was not kept."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from rules.timeline import FactKind


class ExceptionKind(StrEnum):
    """What was done although the rule says otherwise, or was not done although it says so."""

    FORMS_GATE_OPENED = "forms_gate_opened"  # booked by the practice while intake forms are incomplete
    SLOT_RULES_SET_ASIDE = "slot_rules_set_aside"  # booked or moved by the practice to where nobody else could
    FEE_WAIVED = "fee_waived"
    WRITTEN_OFF = "written_off"
    CREDIT_GRANTED = "credit_granted"
    REFUNDED = "refunded"
    LATE_MARK = "late_mark"  # the outcome was said after the time in which the payment must be made
    NO_MARK = "no_mark"  # that time was over, and nobody had said it
    LATE_CHARGE = "late_charge"  # it was said in time, and the payment was tried too late
    OUTCOME_CORRECTED = "outcome_corrected"
    OPENING = "opening"  # somebody opened for an hour what their role does not show


_BY_FACT: Mapping[FactKind, ExceptionKind] = {
    FactKind.FORMS_GATE_OPENED: ExceptionKind.FORMS_GATE_OPENED,
    FactKind.BOOKED: ExceptionKind.SLOT_RULES_SET_ASIDE,
    FactKind.APPOINTMENT_RESCHEDULED: ExceptionKind.SLOT_RULES_SET_ASIDE,
    FactKind.PAYMENT_WAIVED: ExceptionKind.FEE_WAIVED,
    FactKind.PAYMENT_WRITTEN_OFF: ExceptionKind.WRITTEN_OFF,
    FactKind.CREDIT_GRANTED: ExceptionKind.CREDIT_GRANTED,
    FactKind.REFUND_BEGUN: ExceptionKind.REFUNDED,
    FactKind.OUTCOME_RECORDED: ExceptionKind.LATE_MARK,
    FactKind.OUTCOME_BREACH: ExceptionKind.NO_MARK,
    FactKind.CHARGE_BREACH: ExceptionKind.LATE_CHARGE,
    FactKind.OUTCOME_CORRECTED: ExceptionKind.OUTCOME_CORRECTED,
    FactKind.OPENING_BEGUN: ExceptionKind.OPENING,
}

# Of these facts only some tell of an exception: as their data say, in the words of the database.
_ONLY_WHERE: Mapping[FactKind, str] = {
    FactKind.BOOKED: "data -> 'exceptions' <> '[]'",
    FactKind.APPOINTMENT_RESCHEDULED: "data -> 'exceptions' <> '[]'",
    FactKind.OUTCOME_RECORDED: "data -> 'late' = 'true'",
    FactKind.OUTCOME_BREACH: "data -> 'late' IS NULL",  # else it is the late mark's own
}


def facts_of(kind: ExceptionKind) -> tuple[FactKind, ...]:
    return tuple(fact for fact, one in _BY_FACT.items() if one is kind)


def exception_in(fact: str) -> ExceptionKind:
    """Which exception a fact of this kind tells of, if it tells of one. Raises KeyError for any other."""
    return _BY_FACT[FactKind(fact)]


def set_aside_in(data: Mapping[str, Any]) -> list[str]:
    """Which rules a booking or a move has set aside, each once, in words."""
    return list(dict.fromkeys(str(one["because"]) for one in data.get("exceptions", ())))


def tells_of_one() -> str:
    """The condition on a fact, in SQL: that of the partial index as well, so that both are the same."""
    always = ", ".join(f"'{fact.value}'" for fact in _BY_FACT if fact not in _ONLY_WHERE)
    some = (f"(kind = '{fact.value}' AND {where})" for fact, where in _ONLY_WHERE.items())
    return " OR ".join([f"kind IN ({always})", *some])
