"""Who sent a message: whom the API vouches for, and otherwise whom the engine's record names, whatever was typed."""

import asyncio
from dataclasses import replace
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from engine.codec import PayloadKeys, data_converter
from engine.message_record import TemporalMessageRecord
from engine.vouching import Vouching
from rules.accounts import vouching
from rules.accounts.caller import Caller, via_temporal
from rules.accounts.vouching import is_system, sworn, vouched
from rules.enums import Role
from tests.care.house import KEYS
from tests.care.story import Care, Person
from tests.journeys.booking.waitlists.waitlist import comes
from workflows import messages
from workflows.messages import SET_UP_CARD, ArchiveSignal, Update, journey_id

STEP = "message_sender"


async def _journey(care: Care, person: Person, *, as_: str) -> WorkflowHandle[Any, Any]:
    """The client's journey, for somebody who is known to the engine by this identity."""
    client = await Client.connect(
        care.house.engine.service_client.config.target_host, data_converter=data_converter(KEYS), identity=as_
    )
    return client.get_workflow_handle(journey_id(person.id))


async def _signals(care: Care, person: Person, name: str, *arguments: object, as_: str) -> None:
    await (await _journey(care, person, as_=as_)).signal(name, args=arguments)


async def _actors(person: Person, *, number: int) -> list[str]:
    async with asyncio.timeout(60):
        while True:
            told = [f["actor"] for f in await person.timeline() if f["kind"] in ("archived", "unarchived")]
            if len(told) >= number:
                return told
            await asyncio.sleep(0.05)


async def _steps(person: Person) -> int:
    """How often the history was asked."""
    history = await person.journey.fetch_history()
    scheduled = [e for e in history.events if e.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED]
    return sum(e.activity_task_scheduled_event_attributes.activity_type.name == STEP for e in scheduled)


async def test_the_timeline_names_who_sent_a_bare_signal_by_identity(live: Care) -> None:
    await live.therapist("ana", intro_calls="off")
    sara, otto = await comes(live, "Sara"), await comes(live, "Otto")
    await _signals(live, sara, "archive", as_="maria@practice\n.example " + "x" * 200)
    first = via_temporal("maria@practice .example " + "x" * 200)
    assert await _actors(sara, number=1) == [first]
    assert (first.startswith("via Temporal (maria@practice .example x"), len(first)) == (
        True,
        len("via Temporal ()") + 100,
    )
    await _signals(live, sara, "unarchive", as_="otto")
    assert await _actors(sara, number=2) == [first, "via Temporal (otto)"]

    assert await _steps(sara) == 2

    # What is typed is believed of nobody; whom the API has let in is who they are, and costs no step.
    await _signals(live, otto, "archive", {"by": "maria"}, as_="somebody")
    assert await _actors(otto, number=1) == ["via Temporal (somebody)"]
    await live.post(f"/v1/clients/{otto.id}/unarchive", by="desk", expect=200)
    assert await _actors(otto, number=2) == ["via Temporal (somebody)", "care_team:desk"]
    await live.rest()
    assert await _steps(otto) == 1


async def test_an_update_by_hand_needs_neither_ids_nor_a_name_and_is_told_by_identity(live: Care) -> None:
    await live.therapist("ana", intro_calls="off")
    sara = await comes(live, "Sara")
    journey = await _journey(live, sara, as_="maria@desk")
    await journey.execute_update("grant_credit", {"amount": 500, "currency": "USD", "reason": "sorry"})

    async def givers() -> list[str]:
        return [fact["actor"] for fact in await sara.timeline() if fact["kind"] == "credit_granted"]

    assert await givers() == ["via Temporal (maria@desk)"]

    # A request's id may be any word, and the same one again changes nothing more. Who is typed counts for nothing.
    client = {"role": "client", "name": "Sara", "client_id": sara.id}
    again = {"amount": 700, "currency": "USD", "reason": "sorry", "request_id": "ticket 4711", "by": client}
    for _ in range(2):
        await journey.execute_update("grant_credit", again)
    assert await givers() == ["via Temporal (maria@desk)"] * 2


async def test_nobody_can_be_somebody_else_by_copying_what_the_api_has_sent(live: Care) -> None:
    await live.therapist("ana", intro_calls="off")
    sara, otto = await comes(live, "Sara"), await comes(live, "Otto")

    def signed(to: Person, *, message: str = "archive", keys: PayloadKeys = KEYS) -> ArchiveSignal:
        order = ArchiveSignal(request_id=str(uuid4()), by="care_team:desk")
        sign = Vouching(keys, vouching.PURPOSE).sign
        return vouched(order, workflow_id=journey_id(to.id), message=message, sign=sign)

    forged = [
        signed(sara, keys=PayloadKeys((("test", bytes(32)),))),
        signed(otto),
        signed(sara, message="unarchive"),
        replace(signed(sara), by="admin:root"),
        replace(signed(sara), request_id=str(uuid4())),
        replace(signed(sara), notify=False),
        replace(signed(sara), reason="they wished it"),
    ]
    for number, order in enumerate([*forged, signed(sara)], start=1):
        await _signals(live, sara, "archive", order, as_="mallory")
        told = await _actors(sara, number=2 * number - 1)
        assert told[-1] == ("via Temporal" if order in forged else "care_team:desk")
        await _signals(live, sara, "unarchive", as_="mallory")
        await _actors(sara, number=2 * number)


async def test_what_was_refused_cannot_be_sent_again_with_other_contents(live: Care) -> None:
    """It was answered, but by no step that keeps its answer: only the voucher stands against it."""
    await live.therapist("ana", intro_calls="off")
    sara = await comes(live, "Sara")
    refused = {"amount": 100, "currency": "EUR", "reason": "sorry"}
    await live.post(f"/v1/clients/{sara.id}/credits", refused, by="desk", expect=422)
    [sent] = [
        event.workflow_execution_update_accepted_event_attributes.accepted_request
        for event in (await sara.journey.fetch_history()).events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
        and event.workflow_execution_update_accepted_event_attributes.accepted_request.input.name == "grant_credit"
    ]
    [argument] = await data_converter(KEYS).decode(sent.input.args.payloads)
    journey = await _journey(live, sara, as_="mallory")
    for update_id, more in (("z", {"amount": 15000, "currency": "USD"}), ("y", {"amount": 200, "currency": "USD"})):
        await journey.execute_update("grant_credit", argument | more, id=f"{argument['request_id']}/{update_id}")
    granted = [fact for fact in await sara.timeline() if fact["kind"] == "credit_granted"]
    assert granted
    assert {fact["actor"] for fact in granted} == {"via Temporal"}


async def test_a_caller_is_vouched_for_with_all_that_gives_rights() -> None:
    sign = Vouching(KEYS, vouching.PURPOSE).sign
    desk = Caller(role=Role.CARE_TEAM, name="desk")
    others = [
        Caller(role=Role.ADMIN, name="desk"),
        Caller(role=Role.CARE_TEAM, name="dusk"),
        Caller(role=Role.CARE_TEAM, name="desk", client_id="x"),
        Caller(role=Role.CARE_TEAM, name="desk", therapist="x"),
        Caller(role=Role.CARE_TEAM, name="desk", known_as="x"),
    ]
    codes = {sign(sworn(by, workflow_id="w", message="m", request_id="r", content="c")) for by in (desk, *others)}
    assert len(codes) == 6


@pytest.mark.parametrize("trouble", ["silent", "broken"])
async def test_a_record_that_cannot_be_read_endangers_no_archive(
    care: Care, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    async def sender_of(*_: object, **__: object) -> str:
        if trouble == "silent":
            await asyncio.sleep(600)
        raise RuntimeError("what nobody has thought of")

    monkeypatch.setattr(TemporalMessageRecord, "sender_of", sender_of)
    await care.therapist("ana", intro_calls="off")
    sara = await comes(care, "Sara")
    asked = monotonic()
    await sara.journey.signal("archive")
    await sara.journey.signal("unarchive", {"by": "maria"})  # keeps its turn
    assert await _actors(sara, number=2) == ["via Temporal", "via Temporal"]
    assert monotonic() - asked < 120
    assert await sara.stage() == "first_booking"


SYSTEM_UPDATES = [update for update in vars(messages).values() if isinstance(update, Update) and is_system(update.name)]


async def test_what_is_not_for_people_is_refused_them_and_does_nothing_at_stripe(live: Care) -> None:
    """Nothing but an empty input would be needed for a customer and a card's setup at Stripe."""
    await live.therapist("ana", intro_calls="off")
    sara = await comes(live, "Sara")
    before = await live.stripe()
    forged = {"role": "care_team", "name": "desk", "voucher": {"message": "book", "mac": "0" * 64}}
    journey = await _journey(live, sara, as_="mallory")
    names = {update.name for update in SYSTEM_UPDATES if "by" in update.argument.__dataclass_fields__}
    assert SET_UP_CARD.name in names
    for name in sorted(names):
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await journey.execute_update(name, {})
        assert isinstance(failed.value.cause, ApplicationError)
        assert "Not for people" in failed.value.cause.message
    request_id = str(uuid4())
    for id in (None, request_id):
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await journey.execute_update(SET_UP_CARD.name, {"by": forged, "request_id": request_id}, id=id)
        error: BaseException | None = failed.value.cause
        while error is not None and not isinstance(error, ApplicationError):
            error = error.__cause__
        assert "ot for people" in str(error)
    assert await live.stripe() == before
