"""Whatever is sent to a workflow, under whatever name it understands: it goes on, and whoever asked is answered.

Made from the definitions: a message that is added is tried with the rest. The sender here is the UI without the codec,
so that what is readable to it is readable to anybody.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import RawValue
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.types.keeping import KeepingOrder
from engine.codec import JourneyPayloads
from ops.connected import Connected
from ops.reencrypt import reencrypt
from rules.refusals import NEUTRAL, Problem
from tests.care.story import Care
from tests.journeys.archive.bulk import archive_many, finished
from tests.journeys.booking.waitlists.waitlist import comes, opens, takes, waits_for
from tests.workflows.test_what_staff_see import details
from workflows.handling.binding import bind, check, field_names
from workflows.handling.examples import example_of
from workflows.messages import (
    APPOINTMENT_JOURNEY,
    BULK_ARCHIVE,
    CLIENT_JOURNEY,
    KEEP_JOURNEYS,
    KEEP_JOURNEYS_ID,
    OUTSIDE_CALENDAR,
    PRACTICE_MAIL,
    PRACTICE_MAIL_ID,
    RECONCILE_PAYMENTS,
    REENCRYPT,
    TASK_QUEUE,
    WAITLIST_OFFER,
    WEBHOOK_ENDPOINT,
    bulk_archive_id,
    calendar_id,
    reconciliation_id,
    reencryption_id,
    waitlist_id,
    webhook_workflow_id,
)
from workflows.registry import WORKFLOWS

TYPED = "Sara Lind's diary"  # by a person, where a name is expected: nobody repeats it
PATIENCE = 20.0  # seconds; a workflow that is stuck is so for longer


def raw(data: bytes, **metadata: bytes) -> RawValue:
    return RawValue(Payload(metadata=metadata, data=data))


INPUTS: dict[str, list[Any]] = {
    "nothing": [],
    "null": [None],
    "null in JSON": [raw(b"null", encoding=b"json/plain")],
    "two values": [{}, {}],
    "two, one null": [None, 7],
    "a text": ["hello"],
    "a number": [17],
    "a list": [["a", {}]],
    "an empty object": [{}],
    "unknown fields": [{TYPED: 1, "reason": [TYPED]}],
    "wrong types": [{"request_id": 5, "client_id": [], "by": 7, "version": "new", "reason": {}, "therapist": 4}],
    "no JSON": [raw(b'{"reason": ', encoding=b"json/plain")],
    "what nobody can open": [raw(b"\x00" * 40, encoding=b"binary/encrypted", **{"key-id": b"test"})],
    "no encoding": [raw(b"\xff\xfe")],
    "two that nobody can open": [raw(b"\x00", encoding=b"binary/encrypted"), raw(b"\xff")],
}
SAYS_NOTHING = ("nothing", "null", "null in JSON", "an empty object")
MEANS_NOTHING = ("two values", "two, one null", "a text", "a number", "what nobody can open", "no encoding")
SHORT = ("nothing", "null", "two values", "unknown fields", "what nobody can open")
ENDS_SOON = (BULK_ARCHIVE, KEEP_JOURNEYS, PRACTICE_MAIL)  # so what is sent to them is there when they begin
KINDS = ("updates", "signals", "queries")
DEFINITIONS = {d.name: d for d in map(workflow._Definition.must_from_class, WORKFLOWS)}
THERE_ARE = [(name, kind) for name, each in DEFINITIONS.items() for kind in KINDS if getattr(each, kind)]


async def anybody(care: Care) -> Client:
    """The engine, as whoever has no key."""
    readable = DataConverter(payload_converter_class=JourneyPayloads)
    return await Client.connect(care.house.engine.service_client.config.target_host, data_converter=readable)


async def one_of(care: Care, name: str, *, sent: Sequence[Any] = ()) -> WorkflowHandle[Any, Any]:
    """A workflow of this type, as whoever has no key sees it."""
    client = await anybody(care)
    if name == RECONCILE_PAYMENTS:
        done = await care.post("/v1/reconciliations", by="desk", expect=200)
        return client.get_workflow_handle(reconciliation_id(done["id"]))
    if name == BULK_ARCHIVE:  # which soon ends: what is sent to it is there when it begins
        slug = f"ana-{uuid4()}"
        await care.therapist(slug)
        sara = await care.arrives(therapist=slug)
        await care.house.stop_worker()
        archive_id = await archive_many(care, [sara])
        begun = client.get_workflow_handle(bulk_archive_id(archive_id))
        await begun.signal("stop", args=list(sent))
        await care.house.start_worker()
        await finished(care, archive_id)
        return begun
    if name == REENCRYPT:
        executions = care.house.dependencies.executions
        assert executions is not None
        round_done = await reencrypt(
            Connected(sessions=care.house.sessions, executions=executions, clock=care.house.clock)
        )
        return client.get_workflow_handle(reencryption_id(str(round_done.id)))
    if name == WEBHOOK_ENDPOINT:
        hook = {"url": f"{care.house.sandbox_url}/webhooks", "for": "site"}
        made = await care.post("/v1/webhooks", hook, by="admin")
        return client.get_workflow_handle(webhook_workflow_id(made["id"]))
    if name == OUTSIDE_CALENDAR:
        await care.therapist("cal")
        added = await care.post(
            "/v1/therapists/cal/calendars", {"kind": "ics", "address": "http://127.0.0.1:1/a.ics"}, by="admin"
        )
        await care.rest()
        return client.get_workflow_handle(calendar_id(added["id"]))
    if name == KEEP_JOURNEYS:
        await care.house.stop_worker()
        await care.house.services.engine.keep(KeepingOrder(id=str(uuid4()), asked_by="x"))
        keeper = client.get_workflow_handle(KEEP_JOURNEYS_ID)
        await keeper.signal("system.keep", args=list(sent))
        await care.house.start_worker()
        await care.house.engine.get_workflow_handle(KEEP_JOURNEYS_ID).result()
        return keeper
    if name == PRACTICE_MAIL:
        await care.house.stop_worker()
        waits = await client.start_workflow(PRACTICE_MAIL, id=PRACTICE_MAIL_ID, task_queue=TASK_QUEUE)
        await waits.signal("system.look_again", args=list(sent))
        await care.house.start_worker()
        await waits.result()
        return waits
    await opens(care)
    session = await takes(care, "Holder", day=3)
    sara = await comes(care, "Sara")
    await sara.completes_forms()
    await waits_for(sara, session.starts_at)
    await care.rest()
    ids = {
        CLIENT_JOURNEY: sara.journey.id,
        APPOINTMENT_JOURNEY: session.workflow.id,
        WAITLIST_OFFER: waitlist_id("ana"),
    }
    return client.get_workflow_handle(ids[name])


async def tried(handle: WorkflowHandle[Any, Any], kind: str, name: str, sent: Sequence[Any]) -> Exception | None:
    """Send it. None, or how it was refused."""
    patience: Any = {"rpc_timeout": timedelta(seconds=PATIENCE)}
    async with asyncio.timeout(PATIENCE):
        try:
            if kind == "updates":
                await handle.execute_update(name, args=list(sent), **patience)
            elif kind == "signals":
                await handle.signal(name, args=list(sent), **patience)
            else:
                await handle.query(name, args=list(sent), **patience)
        except WorkflowUpdateFailedError as error:
            return error
    return None


def is_told_in_words(refused: Exception | None) -> bool:
    """Whether a person understands why, without the codec."""
    assert isinstance(refused, WorkflowUpdateFailedError), refused
    cause = refused.cause
    assert isinstance(cause, ApplicationError), cause
    assert cause.type in {problem.value for problem in Problem}, cause
    assert cause.category is ApplicationErrorCategory.BENIGN
    assert TYPED not in str(cause.failure)
    assert cause.failure is not None
    assert not cause.failure.stack_trace
    assert not cause.failure.HasField("cause")
    return 20 < len(cause.message) <= 700 and cause.message != "Encoded failure"


async def survives(care: Care, of: str, kind: str, inputs: Sequence[str]) -> None:
    handle = await one_of(care, of)
    definition = DEFINITIONS[of]
    handlers: dict[str, Any] = getattr(definition, kind)
    for name, handler in handlers.items():
        argument = handler.fn.argument if kind == "updates" else None
        for said in inputs:
            if kind == "signals" and not name.startswith("system.") and said not in MEANS_NOTHING:
                continue  # a signal for people acts upon next to anything
            if of in ENDS_SOON and kind == "signals":
                handle = await one_of(care, of, sent=INPUTS[said])
                continue
            refused = await tried(handle, kind, name, INPUTS[said])
            if kind == "updates" and said not in SAYS_NOTHING:
                assert refused is not None, (name, said)
            if kind == "updates" and not name.startswith("system.") and example_of(argument):
                assert refused is not None, (name, said)
            if refused is not None:
                assert is_told_in_words(refused), (name, said)
    for query in definition.queries:
        await handle.query(str(query))
    failed = [event async for event in handle.fetch_history_events() if _is_failed_task(event)]
    assert failed == []
    if kind == "signals":
        shown = await details(care.house.engine.get_workflow_handle(handle.id))
        assert "was dropped" in shown or of in (
            OUTSIDE_CALENDAR,
            WAITLIST_OFFER,
            WEBHOOK_ENDPOINT,
            *ENDS_SOON,
        )  # whose signals say nothing, or came first
        assert TYPED not in shown


def _is_failed_task(event: Any) -> bool:
    return bool(event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED)


@pytest.mark.parametrize(("of", "kind"), THERE_ARE)
async def test_every_handler_survives_every_input(care: Care, of: str, kind: str) -> None:
    await survives(care, of, kind, list(INPUTS))


@pytest.mark.parametrize(("of", "kind"), THERE_ARE)
async def test_so_it_does_on_the_engine_itself(live: Care, of: str, kind: str) -> None:
    await survives(live, of, kind, SHORT)


async def test_a_refusal_is_read_by_anybody_and_its_details_by_whoever_has_the_key(care: Care) -> None:
    await opens(care)
    session = await takes(care, "Sara", day=3)
    await care.rest()

    async def refused(client: Client) -> ApplicationError:
        handle = client.get_workflow_handle(session.workflow.id)
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await handle.execute_update("record_outcome", {"outcome": "occurred"})
        assert isinstance(failed.value.cause, ApplicationError)
        return failed.value.cause

    problem = Problem.APPOINTMENT_NOT_STARTED
    anybody_s, ours = await refused(await anybody(care)), await refused(care.house.engine)
    assert (anybody_s.type, anybody_s.message) == (problem.value, NEUTRAL[problem])
    assert [type(detail) for detail in anybody_s.details] == [RawValue]
    assert (ours.type, ours.message, ours.details[0]["name"]) == (problem.value, NEUTRAL[problem], problem.value)
    answer = await care.call("POST", f"/v1/appointments/{session.id}/outcome", {"outcome": "occurred"}, by="desk")
    assert (answer.status_code, answer.json()["detail"]) == (409, ours.details[0]["detail"])


PASTED = re.compile(r"Input, for example: (\{.*\})(?: Also possible: ([a-z_, ]+)\.)?$")


def for_people() -> list[tuple[str, str, Any]]:
    """Every message that people send: of which workflow, its name, its handler."""
    kinds = ("updates", "signals")
    every = [
        (of, name, each) for of, d in DEFINITIONS.items() for kind in kinds for name, each in getattr(d, kind).items()
    ]
    return [(str(of), name, each) for of, name, each in every if not name.startswith("system.")]


@pytest.mark.parametrize(("of", "name", "handler"), for_people())
def test_what_a_description_says_can_be_pasted(of: str, name: str, handler: Any) -> None:
    kind = handler.fn.argument
    pasted = PASTED.search(handler.description)
    if pasted is None:
        assert handler.description.endswith("Leave the input empty."), name
        said: dict[str, Any] = {}
    else:
        said = json.loads(pasted[1])
        assert said
        assert set((pasted[2] or "").split(", ")) - {""} <= field_names(kind)
    if kind is not None:
        own = {"client_id": str(uuid4())} if of == CLIENT_JOURNEY else {"appointment_id": str(uuid4())}
        bound = bind(name, kind, (said,), own=own, request_id=str(uuid4()), strict=True)
        check(bound.order, own)
        assert bound.by_hand
        assert len(handler.description) < 500


def test_names_tell_what_is_for_people_and_sort_them_first() -> None:
    for each in DEFINITIONS.values():
        for kind in ("updates", "signals"):
            for name, handler in getattr(each, kind).items():
                system = name.startswith("system.")
                assert system == ("Not for people" in handler.description), name
                assert system or "nput" in handler.description, name
