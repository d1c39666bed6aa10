"""Whatever a workflow is started with by hand, under whatever id: it does its work, or fails in words. It never hangs
on a task that fails again and again.

Made from the definitions, as are the messages (``test_every_input``): a workflow that is added is tried with the rest.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError

from rules.keeping import Kept
from tests.care.story import Care
from tests.workflows.messages.test_every_input import (
    DEFINITIONS,
    INPUTS,
    MEANS_NOTHING,
    PATIENCE,
    SAYS_NOTHING,
    TYPED,
    _is_failed_task,
    anybody,
)
from workflows.messages import (
    APPOINTMENT_JOURNEY,
    BULK_ARCHIVE,
    CLIENT_JOURNEY,
    KEEP_JOURNEYS,
    PRACTICE_MAIL,
    RECONCILE_PAYMENTS,
    REENCRYPT,
    TASK_QUEUE,
    WAITLIST_OFFER,
    WEBHOOK_ENDPOINT,
)

FOLLOWS = {
    CLIENT_JOURNEY: Kept.JOURNEY,
    APPOINTMENT_JOURNEY: Kept.APPOINTMENT,
    WAITLIST_OFFER: Kept.WAITLIST,
    BULK_ARCHIVE: Kept.BULK_ARCHIVE,
    REENCRYPT: Kept.REENCRYPTION,
    WEBHOOK_ENDPOINT: Kept.WEBHOOK,
}
OF_ANY_ID = (KEEP_JOURNEYS, PRACTICE_MAIL, RECONCILE_PAYMENTS)
CARES_FOR_NO_INPUT = (PRACTICE_MAIL,)


async def started(client: Client, of: str, id: str, said: Sequence[Any]) -> WorkflowHandle[Any, Any]:
    return await client.start_workflow(
        of, args=list(said), id=id, task_queue=TASK_QUEUE, id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE
    )


async def ended(handle: WorkflowHandle[Any, Any]) -> ApplicationError | None:
    """None if it did its work, else why it failed."""
    cause: BaseException | None = None
    try:
        async with asyncio.timeout(PATIENCE):
            await handle.result(rpc_timeout=timedelta(seconds=PATIENCE))
    except WorkflowFailureError as failed:
        cause = failed.cause
    finally:
        assert [event async for event in handle.fetch_history_events() if _is_failed_task(event)] == []
    while cause is not None and not isinstance(cause, ApplicationError):
        cause = cause.__cause__
    return cause


def own_id(of: str) -> str:
    return FOLLOWS[of].id_of(str(uuid4())) if of in FOLLOWS else f"by-hand-{uuid4()}"


def test_every_workflow_is_tried() -> None:
    assert {*FOLLOWS, *OF_ANY_ID} == set(DEFINITIONS)


@pytest.mark.parametrize("of", DEFINITIONS)
async def test_whatever_it_is_started_with_it_ends(care: Care, of: str) -> None:
    client = await anybody(care)
    for name, said in INPUTS.items():
        why = await ended(await started(client, of, own_id(of), said))
        if of in CARES_FOR_NO_INPUT:
            assert why is None, name
        elif name in MEANS_NOTHING or name in ("a list", "no JSON", "two that nobody can open"):
            assert why is not None, name
            assert why.message.startswith("Not accepted, and nothing was changed: "), name
            assert TYPED not in str(why.failure)
        elif why is not None:
            assert name in (*SAYS_NOTHING, "unknown fields", "wrong types")  # which may be of fields that it has not
            assert why.message.startswith("Not accepted, and nothing was changed: "), name


@pytest.mark.parametrize("of", FOLLOWS)
async def test_under_an_id_that_is_none_of_ours_it_fails_and_says_which_would_be(care: Care, of: str) -> None:
    client = await anybody(care)
    others = [kind.id_of(str(uuid4())) for kind in Kept if kind is not FOLLOWS[of]]
    nonsense = [FOLLOWS[of].id_of("nonsense")] if of != WAITLIST_OFFER else []
    for id in (*others, *nonsense, f"{FOLLOWS[of].value}:", f"reencryption:{uuid4()}", "hello"):
        why = await ended(await started(client, of, id, []))
        assert why is not None, id
        assert f"workflow id must be {FOLLOWS[of].value}:<" in why.message


async def test_of_another_than_its_id_says_it_fails(care: Care) -> None:
    await care.therapist("ana", intro_calls="off")
    sara = await care.arrives(therapist="ana")
    client = await anybody(care)
    why = await ended(await started(client, CLIENT_JOURNEY, own_id(CLIENT_JOURNEY), [{"client_id": sara.id}]))
    assert why is not None
    assert "client_id is not this one" in why.message


async def test_by_hand_it_does_its_work_from_its_id(care: Care) -> None:
    await care.therapist("ana", intro_calls="off")
    sara = await care.arrives(therapist="ana")
    await sara.journey.terminate("by somebody")
    client = await anybody(care)
    journey = await started(client, CLIENT_JOURNEY, sara.journey.id, [])
    assert await sara.stage() == "first_booking"
    await sara.journey.signal("archive")
    await care.rest()
    assert (await sara.look())["status"] == "archived"
    assert (await journey.describe()).status is WorkflowExecutionStatus.RUNNING
    anew = await started(client, REENCRYPT, own_id(REENCRYPT), [])
    assert await ended(anew) is None
