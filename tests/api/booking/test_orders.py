"""What the bodies of bookings, changes, waitlists and forms say arrives in the orders, field by field."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from activities.types.booking import (
    BookingOrder,
    CancelOrder,
    FollowingCancelOrder,
    FollowingMoveOrder,
    OutcomeOrder,
    RescheduleOrder,
    WaitOrder,
)
from activities.types.clients import ClientDetails
from activities.types.forms import FormSubmission
from api.bodies import Body
from api.commands import order_of
from api.routes.booking.appointments import BookingBody
from api.routes.booking.changes import CancelBody, OutcomeBody, RescheduleBody
from api.routes.booking.waitlist import WaitBody
from api.routes.forms.forms import FormBody
from rules.accounts.caller import Caller
from rules.enums import Role

DESK = Caller(role=Role.CARE_TEAM, name="desk")
ASKED = {"request_id": UUID(int=1), "client_id": UUID(int=2), "appointment_id": UUID(int=3), "by": DESK}
START = "2026-11-02T09:00:00Z"
INSTANT = datetime.fromisoformat(START)
FREE = {"waive_fee": True, "waive_reason": "kind"}
CANCEL: dict[str, Any] = {"reason": "ill", **FREE, "confirm": False}
MOVE: dict[str, Any] = {"starts_at": START, "reason": "ill", "hold_id": str(UUID(int=4)), "confirm": False}
BOOK: dict[str, Any] = {
    "type": "session",
    "starts_at": START,
    "mode": "zoom",
    "weeks": 3,
    "every": 2,
    "on_closure": "skip",
    "skip_conflicts": True,
    "hold_id": str(UUID(int=4)),
    "reason": "asked for",
}
FORM: dict[str, Any] = {"answers": {"mood": "fine"}, "signature": "Sara", "setup_intent": "seti_1", "version": 2}
WAIT = {"client_id": str(UUID(int=2)), "type": "session", "from": "2026-11-02", "to": "2026-11-09"}


@pytest.mark.parametrize(
    ("body", "kind", "beside"),
    [
        (BookingBody.model_validate({**BOOK, "details": {"email": "sara@example.com"}}), BookingOrder, {}),
        (CancelBody.model_validate({**CANCEL, "requested_by": "client"}), CancelOrder, {}),
        (CancelBody.model_validate({**CANCEL, "scope": "following"}), FollowingCancelOrder, {}),
        (RescheduleBody.model_validate(MOVE), RescheduleOrder, {}),
        (RescheduleBody.model_validate({**MOVE, "scope": "following"}), FollowingMoveOrder, {}),
        (OutcomeBody.model_validate({"outcome": "no_show", "reason": "late", **FREE}), OutcomeOrder, {}),
        (
            FormBody.model_validate({**FORM, "consent_version": "1", "version": 2}),
            FormSubmission,
            {"kind": "billing_info"},
        ),
        (
            WaitBody.model_validate({**WAIT, "time_zone": "America/New_York"}),
            WaitOrder,
            {"therapist": "ana", "wished_from": INSTANT, "wished_until": INSTANT},
        ),
    ],
    ids=lambda one: one.__name__ if isinstance(one, type) else "",
)
def test_what_a_body_says_is_in_the_order(body: Body, kind: type[Any], beside: dict[str, Any]) -> None:
    order = order_of(kind, body, context=ASKED, **beside)
    assert (order.request_id, order.by) == (str(UUID(int=1)), DESK)
    said = {name: getattr(body, name) for name in type(body).model_fields if hasattr(order, name)}
    left_out = set(type(body).model_fields) - set(said)
    assert left_out <= {"scope", "requested_by", "consent_version", "first", "last", "time_zone"}
    for name, value in said.items():
        if name == "details":
            assert order.details == ClientDetails(email="sara@example.com")
        else:
            assert getattr(order, name) == (str(value) if isinstance(value, UUID) else value)
