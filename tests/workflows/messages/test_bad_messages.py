"""What nobody should send, somebody will: from the Temporal UI, the command line, or too early or too late."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from activities.types.booking import BookingOrder, OutcomeOrder
from activities.types.clients import MatchOrder, NewJourney, TaskResolution
from activities.types.forms import FormSubmission
from rules.accounts.caller import Caller
from rules.enums import AppointmentType, Mode, Outcome, Role, Source
from tests.care.story import Care, Person, key
from workflows.messages import (
    ARCHIVE,
    BOOK,
    CLIENT_JOURNEY,
    MATCH_BY_HAND,
    RECORD_OUTCOME,
    RESOLVE_TASK,
    SUBMIT_FORM,
    TASK_QUEUE,
    UNARCHIVE,
    JourneyInput,
    journey_id,
)

DESK = Caller(role=Role.CARE_TEAM, name="desk")


async def newcomer(care: Care, name: str = "Sara") -> Person:
    person = await care.arrives(name=name, client={"first_name": name, "email": f"{name.lower()}@example.com"})
    await care.rest()
    return person


async def state_of(person: Person) -> Any:
    return await person.look(), await person.facts()


@pytest.mark.parametrize("garbage", ["hello", 17, ["a"], {"reason": 5}, {"notify": "perhaps"}, {"reason": "a\x00b"}])
async def test_an_archive_signal_that_cannot_be_read_is_dropped_and_the_next_one_works(
    care: Care, garbage: object
) -> None:
    await care.therapist()
    sara = await newcomer(care)
    before = await state_of(sara)
    await sara.journey.signal(ARCHIVE, garbage)
    await care.rest()
    assert await state_of(sara) == before
    await sara.journey.signal(UNARCHIVE)  # of an active client: nothing to do
    await sara.journey.signal(ARCHIVE, {"reason": "by hand", "request_id": "ticket-4711", "unknown": True})
    await care.rest()
    assert await sara.stage() == "archived"
    assert (await sara.facts()).count("archived") == 1


async def test_an_update_that_makes_no_sense_fails_visibly_and_changes_nothing(care: Care) -> None:
    await care.therapist()
    sara, otto = await newcomer(care), await newcomer(care, "Otto")
    start = await care.slot("ana", "session")
    match = MatchOrder(request_id=str(uuid4()), client_id=sara.id, by=DESK, therapist="ana", reason="so")
    book = BookingOrder(
        request_id=str(uuid4()),
        client_id=sara.id,
        by=DESK,
        type=AppointmentType.SESSION,
        starts_at=start,
        mode=Mode.VIDEO,
    )
    form = FormSubmission(
        request_id=str(uuid4()), client_id=sara.id, by=DESK, kind="informed_consent", answers={}, signature="S"
    )
    task = TaskResolution(request_id=str(uuid4()), client_id=sara.id, by=DESK, task_id="first", note="done")
    before = await state_of(sara), await state_of(otto)
    for name, order in (
        (MATCH_BY_HAND.name, "hello"),
        (MATCH_BY_HAND.name, {"therapist": "ana"}),
        (MATCH_BY_HAND.name, {"therapist": "ana", "reason": "so", "cancel_apointments": True}),
        (MATCH_BY_HAND.name, replace(match, reason="a\x00b")),
        (BOOK.name, replace(book, client_id=otto.id)),  # a booking for somebody else
        (BOOK.name, replace(book, starts_at=start.replace(tzinfo=None))),
        (BOOK.name, replace(book, hold_id="mine")),
        (SUBMIT_FORM.name, replace(form, client_id=otto.id)),
        (SUBMIT_FORM.name, replace(form, answers={"reason": "\x00"})),
        (RESOLVE_TASK.name, task),
        ("no_such_update", match),
    ):
        with pytest.raises(WorkflowUpdateFailedError):
            await asyncio.wait_for(sara.journey.execute_update(name, order), timeout=10)
    assert (await state_of(sara), await state_of(otto)) == before

    [session] = await sara.books("session", start, by="desk")
    outcome = OutcomeOrder(request_id=str(uuid4()), appointment_id=session.id, by=DESK, outcome=Outcome.OCCURRED)
    for wrong in (
        replace(outcome, appointment_id=str(uuid4())),
        {"outcome": "maybe"},
    ):
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await asyncio.wait_for(session.workflow.execute_update(RECORD_OUTCOME.name, wrong), timeout=10)
        assert isinstance(failed.value.cause, ApplicationError)
    assert (await session.look())["status"] == "scheduled"


async def test_messages_that_come_before_the_journey_is_open_wait_for_it(care: Care) -> None:
    await care.therapist()
    house, client_id = care.house, str(uuid4())
    await house.stop_worker()
    new = NewJourney(
        request_id=str(uuid4()), client_id=client_id, by=DESK, source=Source.DIRECT_BOOKING, therapist="ana"
    )
    handle = await house.engine.start_workflow(
        CLIENT_JOURNEY,
        JourneyInput(client_id=client_id, new=new),
        id=journey_id(client_id),
        task_queue=TASK_QUEUE,
        start_signal=ARCHIVE,
    )
    match = MatchOrder(request_id=str(uuid4()), client_id=client_id, by=DESK, therapist="ana", reason="so")
    early = asyncio.create_task(handle.execute_update(MATCH_BY_HAND.name, match))
    await asyncio.sleep(0.1)
    await house.start_worker()
    await early
    await care.rest()
    sara = Person(care, {"client_id": client_id}, "Sara")
    assert await sara.stage() == "archived"
    assert (await sara.facts())[:2] == ["journey_started", "matched"]


async def test_a_refused_beginning_leaves_nothing_and_the_same_request_can_be_corrected(care: Care) -> None:
    await care.therapist()
    known = Person(care, {}, "Sara")
    await care.arrives("care_team", by="desk", client=known.details)
    headers = key()
    body = {"source": "care_team", "therapist": "ana", "client": known.details}
    problem = await care.call("POST", "/v1/journeys", body, by="desk", headers=headers, expect=409)
    assert problem.json()["detail"] == "Email in use."
    assert len((await care.get("/v1/clients"))["items"]) == 1
    body["client"] = known.details | {"email": "sara.lind@example.com"}
    await care.call("POST", "/v1/journeys", body, by="desk", headers=headers, expect=201)
    assert len((await care.get("/v1/clients"))["items"]) == 2


async def test_a_signal_to_a_journey_that_was_refused_or_has_closed_does_not_break_it(care: Care) -> None:
    await care.therapist()
    house, client_id = care.house, str(uuid4())
    new = NewJourney(
        request_id=str(uuid4()), client_id=client_id, by=DESK, source=Source.DIRECT_BOOKING, therapist="nobody"
    )
    handle = await house.engine.start_workflow(
        CLIENT_JOURNEY,
        JourneyInput(client_id=client_id, new=new),
        id=journey_id(client_id),
        task_queue=TASK_QUEUE,
        start_signal=ARCHIVE,
    )
    await handle.result()
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED
    assert (await care.get("/v1/clients"))["items"] == []
