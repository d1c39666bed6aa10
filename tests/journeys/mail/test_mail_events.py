"""What becomes of mails, on the running system: bounces, complaints and unsubscribes, as SendGrid tells of them."""

import asyncio
import json
from typing import Any

import httpx
from sqlmodel import select, update

from models.tables import InboundEvent, OutboxItem
from sandbox.sendgrid.events import sign
from tests.care.defaults import CARE_TEAM_EMAIL, Json
from tests.care.story import Care, Person
from workflows.messages import INBOUND_EVENT

UNREACHABLE = "mail_undeliverable"


async def tell(care: Care, event: str, mail: Json | None = None, **more: Any) -> Json:
    """Lets the stand-in tell of one mail; the event as it was sent."""
    wanted = {"event": event, **({"message_id": mail["message_id"]} if mail else {}), **more}
    answer = await care.http.post(f"{care.house.sandbox_url}/sendgrid/_events", json=wanted)
    assert answer.is_success, answer.text
    assert answer.json()["status"] == 200
    await care.rest()
    told: Json = answer.json()["events"][0]
    return told


async def post(care: Care, events: list[Json], *, age: int = 0) -> httpx.Response:
    """A list of events as the mail service signs it."""
    body = json.dumps(events).encode()
    headers = sign(body, timestamp=int((await care.now()).timestamp()) - age)
    return await care.http.post(f"{care.house.api_url}/v1/webhooks/sendgrid", content=body, headers=headers)


async def unreachable(care: Care) -> list[str]:
    return [task["text"] for task in await care.tasks() if task["kind"] == UNREACHABLE]


async def said(person: Person, kind: str) -> list[tuple[str, str]]:
    return [(fact["actor"], fact["text"]) for fact in await person.timeline() if fact["kind"] == kind]


async def test_a_bounce_reaches_the_timeline_and_opens_one_task_for_an_address(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    await sara.books("intro_call")
    await care.rest()
    welcome, confirmation = [
        (await care.mails(to=sara.email, template=template))[0] for template in ("welcome", "booking_confirmation")
    ]
    for event in ("processed", "delivered", "open", "click", "deferred", "group_resubscribe"):
        await tell(care, event, welcome)
    assert (await said(sara, UNREACHABLE), await unreachable(care)) == ([], [])

    bounced = await tell(care, "bounce", welcome)
    assert await said(sara, UNREACHABLE) == [
        ("sendgrid", "The mail welcome to the client did not arrive: the address does not take mail.")
    ]
    ref = (await sara.look())["ref"]
    [text] = await unreachable(care)
    assert text.startswith(f"Client {ref} cannot be reached at their address")
    assert len(await care.mails(to=CARE_TEAM_EMAIL, template="task_opened")) == 1
    assert sara.email not in str(await sara.timeline()) + text

    # Twice in one list, again later, told to the journey again, and all at once: it stays one event.
    await tell(care, "bounce", welcome, id=bounced["sg_event_id"], times=3)
    await sara.journey.signal(INBOUND_EVENT, f"sendgrid:{bounced['sg_event_id']}")
    await asyncio.gather(*(post(care, [bounced]) for _ in range(5)))
    await care.rest()
    assert len(await said(sara, UNREACHABLE)) == 1
    # Another mail to the same address is another fact, and no other task.
    await tell(care, "dropped", confirmation, reason="Bounced Address")
    await tell(care, "blocked", confirmation)
    assert [text.rpartition(": ")[2] for _, text in await said(sara, UNREACHABLE)] == [
        "the address does not take mail.",
        "mails to this address came back before, so the mail service no longer tries.",
        "the server at the other end turned it away.",
    ]
    [task] = [task for task in await care.tasks() if task["kind"] == UNREACHABLE]
    # Once somebody has looked at it, another bounce is news again; not, if the address was changed since.
    await care.post(f"/v1/tasks/{task['id']}/resolve", {"note": "She was called."}, by="desk", expect=200)
    await tell(care, "bounce", confirmation)
    assert len(await unreachable(care)) == 1
    [task] = [task for task in await care.tasks() if task["kind"] == UNREACHABLE]
    await care.post(f"/v1/tasks/{task['id']}/resolve", {"note": "A new one."}, by="desk", expect=200)
    moved = {"email": "sara.new@example.com"}
    await care.call("PATCH", f"/v1/clients/{sara.id}", moved, by="desk", expect=200)
    await tell(care, "bounce", welcome)
    assert await unreachable(care) == []
    assert len(await said(sara, UNREACHABLE)) == 5

    # Forged or stale: refused by name, and nothing moves.
    facts = await sara.facts()
    fresh = bounced | {"sg_event_id": "forged"}
    assert (await post(care, [fresh], age=301)).status_code == 400
    path = f"{care.house.api_url}/v1/webhooks/sendgrid"
    assert (await care.http.post(path, json=[fresh])).status_code == 400
    # Of foreign mails and of unknown types: taken, and nothing moves either.
    strange = [fresh | {"sg_event_id": "s1", "event": "of next year"}, fresh | {"sg_event_id": "s2", "key": "x"}]
    strange[1]["sg_message_id"] = "nobody.knows"
    assert (await post(care, strange)).status_code == 200
    await care.rest()
    assert await sara.facts() == facts
    async with care.house.sessions() as session:
        rows = (await session.exec(select(InboundEvent))).all()
    assert all(row.handled_at is not None for row in rows)
    assert not any("@" in json.dumps(row.payload) for row in rows)


async def test_s66_complaints_and_unsubscribes_end_a_client_s_notification_mails(care: Care) -> None:
    await care.therapist("ana")
    people = {"spamreport": "Sara", "unsubscribe": "Otto", "group_unsubscribe": "Mia"}
    person = None
    for event, name in people.items():
        person = await care.arrives(name=name)
        await person.books("intro_call")
        await care.rest()
        for _ in range(2):
            await tell(care, event, to=person.email, template="welcome")
        assert (await person.look())["unsubscribed"] is True
        how = "a mail was reported as spam" if event == "spamreport" else "asked for at the mail service"
        assert await said(person, "unsubscribed") == [("sendgrid", f"Notification mails are off: {how}.")]
    assert await unreachable(care) == []

    # The practice's own people have nothing to unsubscribe from; a complaint from an old address is not the new one's.
    assert person is not None
    await care.call("PATCH", f"/v1/clients/{person.id}", {"unsubscribed": False}, by="desk", expect=200)
    await tell(care, "spamreport", to="ana@practice.example", template="appointment_booked")
    moved = {"email": "mia.new@example.com"}
    await care.call("PATCH", f"/v1/clients/{person.id}", moved, by="desk", expect=200)
    await tell(care, "spamreport", to="mia@example.com", template="welcome")
    assert (await person.look())["unsubscribed"] is False


async def test_of_a_mail_whose_address_is_not_kept_any_more_nothing_is_concluded(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    await sara.books("intro_call")
    await care.rest()
    [welcome] = await care.mails(to=sara.email, template="welcome")
    async with care.house.sessions() as session:  # as a round of the keeper does after thirty days
        await session.exec(update(OutboxItem).values(recipient=""))
        await session.commit()
    await tell(care, "bounce", welcome)
    await tell(care, "spamreport", welcome)
    assert len(await said(sara, UNREACHABLE)) == 1  # it is told, and nobody has to do anything about it
    assert (await unreachable(care), (await sara.look())["unsubscribed"]) == ([], False)
    async with care.house.sessions() as session:
        outcomes = (await session.exec(select(InboundEvent.outcome))).all()
    assert all("the address is not kept any more" in str(outcome) for outcome in outcomes)


async def test_the_practice_s_own_addresses_have_one_task_each_and_mails_about_it_end(care: Care) -> None:
    await care.therapist("ana", email="ana@bounce.example")  # comes back by itself
    sara, otto = await care.arrives(), await care.arrives(name="Otto")
    for person in (sara, otto):
        await person.books("intro_call")
        await care.rest()
    await care.pass_time(minutes=1)
    [text] = await unreachable(care)  # of four mails about two clients
    assert text.startswith("Therapist ana cannot be reached by mail")
    facts = await said(sara, UNREACHABLE) + await said(otto, UNREACHABLE)
    assert len(facts) == len(await care.mails(to="ana@bounce.example")) == 4
    assert all(actor == "sendgrid" for actor, _ in facts)

    # A mail about a task that comes back is a task too, whose mail may come back: that ends there.
    for _ in range(3):
        for mail in await care.mails(to=CARE_TEAM_EMAIL, template="task_opened"):
            await tell(care, "bounce", mail)
    texts = await unreachable(care)
    assert sorted(text.partition(" (client")[0] for text in texts) == [
        "The care team's own address takes no mail",
        "Therapist ana cannot be reached by mail",
    ]
    assert len(await care.mails(to=CARE_TEAM_EMAIL, template="task_opened")) == 2

    # Of a test client it is whoever made them that cannot be reached; archived clients' bounces are heard of too.
    tess = await care.arrives(by="desk", name="Tess", test=True)
    await tess.books("intro_call")
    await care.rest()
    await otto.is_archived()
    await care.rest()
    assert await tell(care, "bounce", to=CARE_TEAM_EMAIL, template="welcome")
    assert await tell(care, "bounce", to=otto.email, template="appointment_cancelled")
    assert sorted(text.partition(" cannot")[0] for text in (await unreachable(care)) if text not in texts) == [
        f"Client {(await otto.look())['ref']}",
        f"Whoever made the test client {(await tess.look())['ref']}",
    ]
    assert (await otto.look())["status"] == "archived"
