"""The Temporal UI in plain words: details, labels, search attributes; and mails that may wait without harm."""

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowHandle
from temporalio.common import RawValue

from activities.ports import MailerUnavailable, OutgoingMail
from rules.policy import JourneyPolicy
from tests.care.story import Care
from tests.workflows.conftest import attributes_of
from tests.workflows.messages.pasting import filled_in, pasted_from
from workflows.messages import JOURNEY_QUERY, JourneyProgress


@pytest.fixture
def policy() -> JourneyPolicy:
    return JourneyPolicy(charge_after=timedelta(hours=6))


async def paste(handle: WorkflowHandle[Any, Any], text: str, name: str) -> None:
    """As a person does it: what stands there, with the brackets filled in, and nothing else."""
    [message] = [message for message in pasted_from(text, own=handle.id) if message.name == name][:1]
    assert message.workflow_id == handle.id
    said = json.loads(filled_in(message.input)) if message.input else None
    if message.kind == "update":
        await handle.execute_update(name, said)
    else:
        await handle.signal(name, said)


async def details(handle: WorkflowHandle[object, object]) -> str:
    metadata: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return metadata.current_details


async def test_x7_a_support_person_reads_where_the_client_is_and_what_can_be_done(care: Care) -> None:
    await care.therapist("ana", licensed_in=["CA"])
    sara = await care.arrives("matching_form", client={"first_name": "Sara", "email": "sara@example.com"})
    await care.rest()
    text = await details(sara.journey)
    assert "**matching**" in text
    assert "match_by_hand" in text
    assert text.startswith("**Sara** (")
    attributes = await attributes_of(sara.journey)
    assert (attributes["JourneyStage"], attributes["NeedsAttention"]) == ("matching", ["match_by_hand"])

    await paste(sara.journey, text, "match_by_hand")
    [session] = await sara.books("session", by="desk")
    await care.rest()
    view = await sara.journey.query(JOURNEY_QUERY, result_type=JourneyProgress)
    ref = (await sara.look())["ref"]
    assert (view.ref, view.stage, view.therapist) == (ref, "activation", "ana")
    assert f"appointment:{session.id}" in await details(sara.journey)
    assert "mail appointment reminder" in await details(session.workflow)
    for handle in (sara.journey, session.workflow):
        attributes = await attributes_of(handle)
        assert (attributes["ClientRef"], attributes["TherapistSlug"]) == (ref, "ana")
        assert datetime.fromisoformat(attributes["NextAppointmentAt"]) == session.starts_at
        assert "NeedsAttention" not in attributes

    await care.until(session.ends_at)
    text = await details(session.workflow)
    assert "**How did it go?**" in text
    await paste(session.workflow, text, "record_outcome")
    await care.rest()
    attributes = await attributes_of(session.workflow)
    assert datetime.fromisoformat(attributes["ChargeDueAt"]) == session.ends_at + timedelta(hours=6)
    await paste(sara.journey, await details(sara.journey), "archive")
    await care.rest()
    attributes = await attributes_of(sara.journey)
    assert (attributes["JourneyStage"], attributes["Archived"]) == ("archived", True)
    await paste(sara.journey, await details(sara.journey), "unarchive")
    await care.rest()
    assert (await attributes_of(sara.journey))["Archived"] is False

    # Every timer and every step says what it is for.
    for handle in (sara.journey, session.workflow):
        events = (await handle.fetch_history()).events
        labelled = [
            event
            for event in events
            if event.event_type in (EventType.EVENT_TYPE_TIMER_STARTED, EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
        ]
        assert labelled
        assert all(event.user_metadata.summary.data for event in labelled)


async def test_what_stands_there_is_fresh_while_stripe_is_asked(care: Care, monkeypatch: pytest.MonkeyPatch) -> None:
    sara = await care.client_in_care(sessions=1)
    session = sara.session(1)
    gateway, seen = care.house.dependencies.payments, list[str]()
    confirm = gateway.confirm_intent

    async def looked_at(*args: Any, **kwargs: Any) -> Any:
        seen.append(await details(session.workflow))
        return await confirm(*args, **kwargs)

    monkeypatch.setattr(gateway, "confirm_intent", looked_at)
    await session.occurs()
    await care.pass_time(hours=7)
    [text] = seen
    assert "**processing**" in text
    assert "waiting for Stripe's answer" in text
    assert "120.00 USD: **paid**" in await details(session.workflow)


async def test_the_engine_sees_no_name_in_what_is_shown(care: Care) -> None:
    await care.therapist()
    sara = await care.arrives(client={"first_name": "Sara", "email": "sara@example.com"})
    without_keys = await Client.connect(care.house.engine.service_client.config.target_host)
    handle = without_keys.get_workflow_handle(sara.journey.id)
    answer = await handle.query("__temporal_workflow_metadata", result_type=RawValue)
    assert answer.payload.metadata["encoding"] == b"binary/encrypted"
    assert b"Sara" not in answer.payload.SerializeToString()


async def test_a_mail_service_that_is_away_for_hours_holds_up_neither_charge_nor_archive(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    sara = await care.client_in_care(sessions=2)
    before = await care.mail_counts()
    mailer = care.house.dependencies.mailer
    send, away = mailer.send, True

    async def sometimes(mail: OutgoingMail) -> str:
        if away:
            raise MailerUnavailable("nobody answers", ambiguous=False)
        return await send(mail)

    monkeypatch.setattr(mailer, "send", sometimes)
    await sara.session(1).occurs()
    await care.pass_time(hours=6, minutes=1)
    assert await care.charges_at_stripe() == [12000]
    await sara.is_archived()
    assert await care.mail_counts() == before
    away = False
    await care.pass_time(hours=1)
    # What was worth sending still goes, once; reminders of what has passed do not.
    assert await care.mail_counts() - before == Counter(appointment_cancelled=1, appointment_changed=1)
    assert (await sara.payments())[0]["status"] == "paid"
