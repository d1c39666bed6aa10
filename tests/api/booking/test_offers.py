"""Offers say beforehand what a booking would be answered: by each something is booked, or refused as it said."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select

from models.tables import Appointment, Client, FormRequest, Therapist
from rules.enums import AppointmentStatus, AppointmentType, ClientStatus, IntroCalls, Stage
from rules.policy import JourneyPolicy
from tests.api.booking.calls import TEN, BookingCalls
from tests.api.booking.closures.closing import after_intake
from tests.api.conftest import DESK, ROOT, SITE, problem_of
from tests.care.defaults import details
from tests.care.rows import NOW

Json = dict[str, Any]
Situation = Callable[[BookingCalls, str], Awaitable[Client]]
ASKED = (("intro_call", 1), ("session", 1), ("session", 4))


async def therapist(booking: BookingCalls, **columns: Any) -> Therapist:
    """One for each client, whose calendar nobody else fills."""
    return await booking.rows.therapist(f"t-{uuid4().hex[:8]}", **columns)


async def known(booking: BookingCalls, name: str, how: IntroCalls = IntroCalls.OPTIONAL, **columns: Any) -> Client:
    own = details("Sara", email=f"{name}@example.com") | columns
    return await booking.rows.client(await therapist(booking, intro_calls=how), **own)


async def new(booking: BookingCalls, name: str) -> Client:
    return await known(booking, name)


async def in_care(booking: BookingCalls, name: str) -> Client:
    return await after_intake(booking.rows, await known(booking, name))


async def unknown_person(booking: BookingCalls, name: str) -> Client:
    return await booking.rows.client(await therapist(booking), first_name="Sara")


async def switched_off(booking: BookingCalls, name: str) -> Client:
    return await known(booking, name, portal_settings={"schedule_appointments": False})


async def nobodys(booking: BookingCalls, name: str) -> Client:
    return await booking.rows.client(None, **details("Sara", email=f"{name}@example.com"))


async def before_a_required_call(booking: BookingCalls, name: str) -> Client:
    return await known(booking, name, IntroCalls.REQUIRED)


async def after_a_required_call(booking: BookingCalls, name: str) -> Client:
    sara = await after_intake(booking.rows, await known(booking, name, IntroCalls.REQUIRED))
    held: Json = {"type": AppointmentType.INTRO_CALL, "status": AppointmentStatus.OCCURRED}
    await booking.rows.appointment(sara, await _of(booking, sara), starts_at=NOW - timedelta(days=1), **held)
    return sara


async def without_calls(booking: BookingCalls, name: str) -> Client:
    return await after_intake(booking.rows, await known(booking, name, IntroCalls.OFF))


async def with_a_call_ahead(booking: BookingCalls, name: str) -> Client:
    sara = await after_intake(booking.rows, await known(booking, name))
    call: Json = {"type": AppointmentType.INTRO_CALL, "starts_at": NOW + timedelta(days=3)}
    await booking.rows.appointment(sara, await _of(booking, sara), **call)
    return sara


async def before_the_forms(booking: BookingCalls, name: str) -> Client:
    sara = await known(booking, name, first_booked_at=NOW)
    asked: Json = {"client_id": sara.id, "version": 1, "requested_at": NOW, "requested_by": "system"}
    await booking.rows.add(FormRequest(id=uuid4(), kind="billing_info", **asked))
    await booking.rows.appointment(sara, await _of(booking, sara), status=AppointmentStatus.CANCELLED)
    return sara


async def archived(booking: BookingCalls, name: str) -> Client:
    sara = await after_intake(booking.rows, await known(booking, name, stage=Stage.ARCHIVED))
    record: Json = {"request_id": "an archive", "appointments": []}
    await booking.rows.change(sara, status=ClientStatus.ARCHIVED, archived_at=NOW, archive_record=record)
    return sara


async def _of(booking: BookingCalls, client: Client) -> Therapist:
    async with booking.rows.sessions() as session:
        return await session.get_one(Therapist, client.therapist_id)


SITUATIONS = (
    new,
    in_care,
    unknown_person,
    switched_off,
    nobodys,
    before_a_required_call,
    after_a_required_call,
    without_calls,
    with_a_call_ahead,
    before_the_forms,
    archived,
)


async def offers(booking: BookingCalls, client: Client, by: Any) -> Json:
    answer = await booking.api.get(f"/v1/clients/{client.id}/offers", headers=by)
    assert answer.status_code == 200, answer.text
    told: Json = answer.json()
    return told


def of_type(told: Json, type: str) -> Json:
    [found] = [one for one in told["offers"] if one["type"] == type]
    offer: Json = found
    return offer


async def asker(booking: BookingCalls, client: Client, who: str) -> Any:
    if who == "client":
        return await booking.sign_in(client)
    return DESK if who == "practice" else await booking.rows.by_pass(client)


@pytest.mark.parametrize("who", ["client", "pass", "practice"])
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.__name__)
async def test_a_booking_is_answered_what_the_offer_says(booking: BookingCalls, situation: Situation, who: str) -> None:
    for number, (type, weeks) in enumerate(ASKED):
        sara = await situation(booking, f"sara{number}")
        by = await asker(booking, sara, who)
        offer = of_type(await offers(booking, sara, by), type)
        series = offer["series"] if weeks > 1 else offer
        body = {"type": type, "starts_at": TEN.isoformat(), "mode": "video", "weeks": weeks}
        answer = await booking.api.post(f"/v1/clients/{sara.id}/appointments", json=body, headers=by)
        assert (answer.status_code == 201) == series["may_book"], (type, weeks, answer.text)
        if series["may_book"]:
            assert series["problem"] is None
            booked = answer.json()["appointments"]
            assert {(one["fee"]["amount"], one["fee"]["currency"]) for one in booked} == {
                (offer["fee"]["amount"], offer["fee"]["currency"])
            }
            assert offer["free"] == (offer["fee"]["amount"] == 0)
        else:
            problem_of(answer)
            assert {**series["problem"], "request_id": answer.json()["request_id"]} == answer.json()
        assert offer["single"] == offer["may_book"]


async def test_each_refusal_is_met_in_these_situations(booking: BookingCalls) -> None:
    """So that the comparison above is none of nothing with nothing."""
    met = set()
    for number, situation in enumerate(SITUATIONS):
        sara = await situation(booking, f"sara{number}")
        for by in (await asker(booking, sara, "client"), await asker(booking, sara, "pass")):
            told = (await offers(booking, sara, by))["offers"]
            found = [one["problem"] for one in told] + [one["series"]["problem"] for one in told if one["series"]]
            met |= {problem["type"].rsplit("/", 1)[-1] for problem in found if problem}
    assert met == {
        "client-details-required",
        "booking-disabled",
        "no-therapist-assigned",
        "intro-call-required",
        "intro-call-not-offered",
        "intake-forms-incomplete",
        "not-allowed",  # by a pass, after the first booking
    }


async def test_too_many_booked_without_an_account_is_said_too(booking: BookingCalls) -> None:
    """By the visitor or person for whom they count."""
    sara = await booking.person(await therapist(booking))
    by = await booking.sign_in(sara)
    for n in range(JourneyPolicy().unconfirmed_bookings_per_visitor):
        await booking.rows.change(await _fresh(booking, sara), first_booked_at=None)
        answer = await booking.books(sara, TEN + timedelta(days=n), by=by)
        assert answer.status_code == 201, answer.text
    await booking.rows.change(await _fresh(booking, sara), first_booked_at=None)
    refused = await booking.books(sara, TEN + timedelta(days=9), by=by)
    assert problem_of(refused) == "rate-limited"
    offer = of_type(await offers(booking, sara, by), "session")
    assert offer["problem"] | {"request_id": refused.json()["request_id"]} == refused.json()
    assert of_type(await offers(booking, sara, DESK), "session")["may_book"]


async def _fresh(booking: BookingCalls, client: Client) -> Client:
    async with booking.rows.sessions() as session:
        return (await session.exec(select(Client).where(Client.id == client.id))).one()


# ---------------------------------------------------------------- what they tell


async def test_what_is_offered_in_full(booking: BookingCalls) -> None:
    sara = await in_care(booking, "sara")
    own = await _of(booking, sara)
    told = await offers(booking, sara, await booking.sign_in(sara))
    assert (told["therapist"], told["details_required"]) == (own.slug, [])
    assert of_type(told, "session") == {
        "type": "session",
        "may_book": True,
        "problem": None,
        "offered": True,
        "single": True,
        "series": {
            "may_book": True,
            "problem": None,
            "default_weeks": 4,
            "recommended": [4, 6],
            "most": 52,
            "every": [1, 2, 4],
        },
        "fee": {"amount": 15000, "currency": "USD"},
        "free": False,
        "duration": 50,
        "modes": ["phone", "video"],
    }
    call = of_type(told, "intro_call")
    assert (call["series"], call["fee"]["amount"], call["free"], call["duration"]) == (None, 0, True, 15)
    await booking.rows.change(own, zoom_link="https://zoom.example/1")
    assert of_type(await offers(booking, sara, DESK), "session")["modes"] == ["phone", "video", "zoom"]


async def test_a_page_shows_what_only_waits_for_the_details(booking: BookingCalls) -> None:
    sara = await booking.rows.client(await therapist(booking, intro_calls=IntroCalls.REQUIRED))
    told = await offers(booking, sara, await booking.rows.by_pass(sara))
    assert told["details_required"] == ["first_name", "last_name", "email", "phone", "time_zone"]
    assert [(one["type"], one["may_book"], one["offered"]) for one in told["offers"]] == [
        ("intro_call", False, True),
        ("session", False, False),
    ]
    assert of_type(told, "intro_call")["problem"]["missing"] == told["details_required"]


async def test_without_a_therapist_there_is_nothing_to_tell(booking: BookingCalls) -> None:
    sara = await nobodys(booking, "sara")
    told = await offers(booking, sara, DESK)
    assert told["therapist"] is None
    for offer in told["offers"]:
        assert (offer["fee"], offer["free"], offer["duration"], offer["modes"]) == (None, False, None, [])


async def test_a_closed_record_and_anothers_are_not_there(booking: BookingCalls) -> None:
    sara, tom = await new(booking, "sara"), await new(booking, "tom")
    path = f"/v1/clients/{sara.id}/offers"
    for by, status in ((await booking.sign_in(tom), 404), (ROOT, 403), ({}, 401)):
        assert (await booking.api.get(path, headers=by)).status_code == status
    await booking.rows.change(sara, closed_at=NOW)
    refused = await booking.api.get(path, headers=DESK)
    assert problem_of(refused) == "not-found"
    assert "closed" in refused.json()["detail"]


async def test_asking_changes_nothing(booking: BookingCalls) -> None:
    sara = await archived(booking, "sara")
    before = (await _fresh(booking, sara)).model_dump()
    for by in (await booking.sign_in(sara), DESK, SITE):
        await offers(booking, sara, by)
    assert (await _fresh(booking, sara)).model_dump() == before
    async with booking.rows.sessions() as session:
        assert (await session.exec(select(Appointment))).all() == []
