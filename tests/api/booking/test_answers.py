"""A request about an appointment from end to end, the API and the journey's own step: its answer, and its cost.

Only the engine between the two is left out; answers travel as JSON.
"""

from dataclasses import fields
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.types.booking import BookingOrder, OutcomeOrder
from activities.types.facts import AppointmentFacts, AppointmentShown, PaymentFacts
from api.bodies import Body
from api.routes.booking.appointments import BookingBody
from api.routes.booking.changes import OutcomeBody
from api.views.booking import AppointmentView
from api.views.money import PaymentView
from models.reads.booking.appointments import AppointmentRow
from models.tables.booking.appointment import Appointment
from models.tables.money.payment import Payment
from rules.journey.stage import JourneyFacts
from tests.api.booking.calls import TEN, BookingCalls, booking_calls
from tests.api.conftest import DESK, SITE, StandingClock, ToldEngine
from tests.care.rows import Rows
from tests.statements import statements

Json = dict[str, Any]
STATEMENTS = {"book": 25, "reschedule": 24, "outcome": 14, "cancel": 18}
"""Of a first booking by the practice, a move, an outcome that is marked late, and a cancellation. Storing the answer is
two of each, and putting the mails into the outbox one more; who looked at the answer is one, and so is under which
fee policy somebody books. What the step has read is not read again for the view."""
EVENTS_OUT = {"book": 1, "reschedule": 1, "outcome": 1, "cancel": 1}
"""What the other issues add: the events for programs, one statement each time that facts are written down."""


@pytest.fixture
def booking(api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, clock: StandingClock) -> BookingCalls:
    return booking_calls(api, rows, engine, clock)


async def test_statements_of_a_booking_and_of_its_changes(
    booking: BookingCalls, database: AsyncEngine, clock: StandingClock
) -> None:
    sara = await booking.person(await booking.rows.therapist())
    counted: dict[str, int] = {}
    events_out: dict[str, int] = {}

    async def books() -> str:
        with statements(database) as asked:
            answer = await booking.books(sara, by=DESK)
        counted.setdefault("book", len(asked))
        events_out.setdefault("book", sum("INSERT INTO event " in one for one in asked))
        return str(answer.json()["appointments"][0]["id"])

    async def change(id: str, what: str, **body: object) -> None:
        with statements(database) as asked:
            answer = await booking.api.post(f"/v1/appointments/{id}/{what}", json=body, headers=DESK)
        assert answer.status_code == 200, answer.text
        counted[what] = len(asked)
        events_out[what] = sum("INSERT INTO event " in one for one in asked)

    id = await books()
    await change(id, "reschedule", starts_at=(TEN + timedelta(days=1)).isoformat())
    clock.advance(days=5)
    await change(id, "outcome", outcome="occurred")
    clock.advance(days=-5)
    await change(await books(), "cancel")
    assert events_out == EVENTS_OUT
    assert counted == {what: number + EVENTS_OUT[what] for what, number in STATEMENTS.items()}


def test_a_row_and_an_answer_both_have_all_that_is_shown() -> None:
    """A view takes what it shows by name, and a name that only one of the two had would be shown as missing."""
    made = {"fee", "payment", "client", "notice_window", "change_until", "undo_until"}
    shown = AppointmentView.model_fields.keys() - made
    assert shown - {"test"} <= Appointment.model_fields.keys() | {field.name for field in fields(AppointmentRow)}
    answered = (AppointmentFacts, AppointmentShown, JourneyFacts)
    assert shown - {"cancel_reason"} <= {field.name for kind in answered for field in fields(kind)}
    paid = PaymentView.model_fields.keys()
    assert paid <= Payment.model_fields.keys()
    assert paid <= {field.name for field in fields(PaymentFacts)}


@pytest.mark.parametrize(("kind", "bodies"), [(OutcomeOrder, OutcomeBody), (BookingOrder, BookingBody)])
def test_a_body_says_its_order_by_the_same_names(kind: type, bodies: type[Body]) -> None:
    said = {name for name, field in bodies.model_fields.items() if not field.exclude}
    known = {"request_id", "client_id", "appointment_id", "by", "whom", "handed_in"}
    assert said == {field.name for field in fields(kind)} - known


@pytest.mark.parametrize("by", [DESK, SITE], ids=["practice", "client side"])
async def test_what_a_step_answers_is_shown_as_it_would_be_read(
    booking: BookingCalls, clock: StandingClock, by: dict[str, str]
) -> None:
    """To the last letter: the order of the fields, and the way in which times are written."""
    sara = await booking.person(await booking.rows.therapist(zoom_link="https://zoom.example/j/1"))

    async def read(id: str) -> str:
        return (await booking.api.get(f"/v1/appointments/{id}", headers=by)).text

    async def post(path: str, body: Json) -> httpx.Response:
        answer = await booking.api.post(f"/v1/{path}", json=body, headers=by)
        assert answer.status_code in (200, 201), answer.text
        return answer

    book = f"clients/{sara.id}/appointments"
    at = TEN + timedelta(days=3)
    [one] = (await post(book, {"type": "session", "starts_at": at.isoformat(), "mode": "zoom"})).json()["appointments"]
    booked = await booking.api.get(f"/v1/appointments/{one['id']}", headers=by)
    assert list(one.items()) == list(booked.json().items())
    path = f"appointments/{one['id']}"
    moved = await post(f"{path}/reschedule", {"starts_at": (at + timedelta(days=1)).isoformat()})
    assert moved.text.startswith((await read(one["id"])).removesuffix("}"))
    if by is DESK:
        clock.advance(days=9)
        marked = await post(f"{path}/outcome", {"outcome": "no_show", "reason": "forgotten"})
        assert marked.text == await read(one["id"])
    else:
        gone = await post(f"{path}/cancel", {"reason": "ill"})
        assert gone.text.startswith((await read(one["id"])).removesuffix("}"))


async def test_a_whole_series_is_shown_as_it_would_be_read(booking: BookingCalls) -> None:
    sara = await booking.person(await booking.rows.therapist())
    body: Json = {"type": "session", "starts_at": TEN.isoformat(), "mode": "phone", "weeks": 4}
    booked = await booking.api.post(f"/v1/clients/{sara.id}/appointments", json=body, headers=DESK)
    second = booked.json()["appointments"][1]["id"]
    for what, more in (
        ("reschedule", {"starts_at": (TEN + timedelta(days=8)).isoformat()}),
        ("cancel", {"requested_by": "practice", "reason": "closed"}),
    ):
        path = f"/v1/appointments/{second}/{what}"
        changed = (await booking.api.post(path, json={"scope": "following", **more}, headers=DESK)).json()
        assert changed["id"] == second
        assert len(changed["following"]) == 2
        for shown in (changed, *changed["following"]):
            read = (await booking.api.get(f"/v1/appointments/{shown['id']}", headers=DESK)).json()
            assert read.items() <= shown.items()
