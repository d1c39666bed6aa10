"""Inputs that can be pasted: for each message that people send, one made of its fields."""

import json
from dataclasses import MISSING, Field, fields
from typing import Any

from temporalio import workflow

from workflows.handling.binding import NAMED_BY_THE_REQUEST, field_names, must_be_said

with workflow.unsafe.imports_passed_through():
    from rules.enums import AppointmentType, Mode, OnClosure, Outcome, RefundTo

_SOME_ID = "00000000-0000-4000-8000-000000000000"
_VALUES: dict[str, Any] = {
    "amount": 2500,
    "appointment_id": _SOME_ID,
    "cancel_appointments": False,
    "confirm": False,
    "currency": "USD",
    "details": {"phone": "+12125550100"},
    "into_id": _SOME_ID,
    "kind": "sleep_diary",
    "mode": Mode.VIDEO.value,
    "note": "the client was called",
    "notify": False,
    "outcome": Outcome.OCCURRED.value,
    "payment_id": _SOME_ID,
    "place_id": _SOME_ID,
    "reason": "the client asked for it",
    "requested_by_client": True,
    "restore": True,
    "starts_at": "2030-01-07T15:00:00Z",
    "task_id": _SOME_ID,
    "therapist": "ana-silva",
    "to": RefundTo.CARD.value,
    "type": AppointmentType.SESSION.value,
    "waive_fee": True,
    "waive_reason": "a mistake of ours",
    "weeks": 4,
    "every": 2,
    "on_closure": OnClosure.SKIP.value,
    "wished_from": "2030-01-07T00:00:00Z",
    "wished_until": "2030-01-21T00:00:00Z",
}


def example_of(kind: Any) -> dict[str, Any]:
    """What a person must say, or, if there is nothing that they must, some of what they may."""
    wanted = {field.name: _is_required(field) for field in fields(kind) if field.name not in _goes_without_saying(kind)}
    required = {name: _VALUES[name] for name, is_required in wanted.items() if is_required}
    return required or {name: _VALUES[name] for name in wanted if name in _VALUES}


def input_for(kind: Any) -> str:
    """How to fill in the input of a message, in a sentence or two."""
    if kind is None:
        return "Leave the input empty."
    example = example_of(kind)
    if not example:
        return "Leave the input empty."
    pasted = json.dumps(example)
    names = [field.name for field in fields(kind) if field.name not in {*_goes_without_saying(kind), *example}]
    more = f" Also possible: {', '.join(names)}." if names else ""
    return f"Input, for example: {pasted}{more}"


def _goes_without_saying(kind: Any) -> set[str]:
    own = "client_id" if "client_id" in field_names(kind) else "appointment_id"
    return {*NAMED_BY_THE_REQUEST, "by", "voucher", "handed_in", "of_many", "another", "approval", own}


def _is_required(field: Field[Any]) -> bool:
    return must_be_said(field) or (field.default is MISSING and field.default_factory is MISSING)
