"""Whatever is clicked in the Temporal UI: the next request, or one round of the keeper, and it goes on."""

from typing import Any

from temporalio.client import WorkflowHandle

from tests.care.story import Care
from workflows.messages import appointment_workflow_id


async def kept(care: Care) -> dict[str, Any]:
    answer = await care.post("/v1/keepings?wait=60", by="desk", expect=200)
    assert answer["status"] == "finished"
    return answer


def workflow_of(care: Care, appointment: str) -> WorkflowHandle[Any, Any]:
    return care.house.engine.get_workflow_handle(appointment_workflow_id(appointment))


async def test_a_request_to_a_journey_that_was_terminated_is_answered_as_usual(care: Care) -> None:
    sara = await care.client_in_care(sessions=1)
    await sara.journey.terminate("a wrong click")
    await care.call("PATCH", f"/v1/clients/{sara.id}", {"first_name": "Sarah"}, by="desk", expect=200)
    assert (await sara.look())["first_name"] == "Sarah"
    facts = [fact["kind"] for fact in await care.items(f"/v1/clients/{sara.id}/timeline", limit=200)]
    assert facts.count("journey_resumed") == 1


async def test_a_session_whose_workflow_was_terminated_is_marked_and_charged_once(care: Care) -> None:
    sara = await care.client_in_care(sessions=1)
    session = sara.session(1)
    await workflow_of(care, session.id).terminate("a wrong click")
    await session.occurs()
    await workflow_of(care, session.id).terminate("and again")
    await care.pass_time(minutes=2)
    assert [each["because"] for each in (await kept(care))["resumed"]] == ["terminated"]
    await care.pass_time(days=3)
    assert await care.charges_at_stripe() == [12000]
    assert (await care.mail_counts(to=sara.email))["receipt"] == 1


async def test_a_month_after_all_was_terminated_is_as_if_nothing_had_been(care: Care) -> None:
    await care.therapist("ana")
    people = [await care.client_in_care(sessions=2, name=name) for name in ("Sara", "Tina")]
    touched, twin = people
    for handle in (touched.journey, *(workflow_of(care, each.id) for each in touched.appointments)):
        await handle.terminate("a wrong click")
    await care.pass_time(minutes=2)
    assert len((await kept(care))["resumed"]) == 3
    for number in (1, 2):
        for person in people:
            await person.session(number).occurs()
    await care.pass_time(days=30)
    assert await care.mail_counts(to=touched.email) == await care.mail_counts(to=twin.email)
    assert await care.charges_at_stripe() == [12000] * 4
    told = []
    for person in people:
        facts = await care.items(f"/v1/clients/{person.id}/timeline", limit=200)
        told.append([fact["kind"] for fact in facts if fact["kind"] != "journey_resumed"])
    assert sorted(told[0]) == sorted(told[1])
