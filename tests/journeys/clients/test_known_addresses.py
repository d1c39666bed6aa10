"""S68: a public form never tells whether an address is known: not by its answer, and not by the time it takes."""

import asyncio
from random import Random
from statistics import quantiles
from time import perf_counter
from typing import Any

import httpx
import pytest
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.registry import build
from tests.care.defaults import Json
from tests.care.house import House
from tests.care.story import Care
from workflows.messages import TASK_QUEUE
from workflows.registry import WORKFLOWS

TRIES = 120  # with a known address, and as many with an unknown one
OWNERS = 20


def shape(answer: Any) -> Any:
    """The names and types of everything in an answer."""
    if isinstance(answer, dict):
        return tuple(sorted((name, shape(value)) for name, value in answer.items()))
    return tuple({shape(item) for item in answer}) if isinstance(answer, list) else type(answer).__name__


def seen(answer: httpx.Response) -> Any:
    return answer.status_code, tuple(sorted(answer.headers)), shape(answer.json())


def spread(seconds: list[float]) -> tuple[float, float, float]:
    """The quartiles: half of all tries took between the first and the last."""
    low, middle, high = quantiles(seconds, n=4)
    return low, middle, high


async def answer_only(house: House) -> None:
    """From now on only what an answer waits for is done. What follows it (mails, and the look for a double) is left
    lying: several mails for each booking would take most of the time, and are beside the answer by design."""
    await house.stop_worker()
    house.worker = Worker(
        house.engine,
        task_queue=TASK_QUEUE,
        workflows=WORKFLOWS,
        activities=build(house.dependencies),
        workflow_runner=UnsandboxedWorkflowRunner(),
        no_remote_activities=True,
    )
    house._tasks.append(asyncio.create_task(house.worker.run()))


@pytest.mark.timeout(600)
@pytest.mark.crowd  # minutes long
async def test_s68_a_known_address_is_answered_alike_and_in_the_same_time(care: Care) -> None:
    await care.therapist("ana")
    for number in range(OWNERS):
        details = {"first_name": "K", "email": f"known{number}@example.com"}
        await care.post("/v1/journeys", {"source": "care_team", "therapist": "ana", "client": details}, by="desk")
    starts = await care.slots("ana", "intro_call")
    await answer_only(care.house)
    random, taken = Random(68), 0  # noqa: S311
    answers: dict[bool, set[Any]] = {True: set(), False: set()}
    began: dict[bool, list[float]] = {True: [], False: []}
    booked: dict[bool, list[float]] = {True: [], False: []}
    for number in range(TRIES):
        for known in random.sample((True, False), 2):
            email = f"known{number % OWNERS}@example.com" if known else f"unknown{number}@example.com"
            details = {"first_name": "A", "last_name": "B", "email": email, "phone": "+12125550100", "time_zone": "UTC"}
            body: Json = {"source": "direct_booking", "therapist": "ana", "client": details}
            booking: Json = {"type": "intro_call", "mode": "phone", "details": details}
            booking["starts_at"] = (starts[0] + taken * (starts[2] - starts[0])).isoformat()
            taken += 1
            times = [perf_counter()]
            journey = await care.call("POST", "/v1/journeys", body)
            times.append(perf_counter())
            path = f"/v1/clients/{journey.json()['client_id']}/appointments"
            answer = await care.call("POST", path, booking)
            times.append(perf_counter())
            began[known].append(times[1] - times[0])
            booked[known].append(times[2] - times[1])
            answers[known].add((seen(journey), seen(answer)))
    assert answers[True] == answers[False]
    assert len(answers[True]) == 1
    for times_of in (began, booked):
        (low, known_median, high), (other_low, other_median, other_high) = (
            spread(times_of[True]),
            spread(times_of[False]),
        )
        assert other_low <= known_median <= other_high, (spread(times_of[True]), spread(times_of[False]))
        assert low <= other_median <= high, (spread(times_of[True]), spread(times_of[False]))


async def test_s68_who_is_told_of_a_known_address_and_who_is_not(care: Care) -> None:
    await care.therapist("ana")
    await care.therapist("ben")
    sara, otto = await care.arrives(name="Sara"), await care.arrives(name="Otto", therapist="ben")
    for person in (sara, otto):
        await person.books("intro_call")
        await care.rest()
        await person.activates()

    # Staff are told who it is, a therapist only of own clients, and the client side nothing: whatever is asked for.
    known, unknown = {"email": "ＳＡＲＡ@EXAMPLE.com"}, {"email": "nobody@example.com"}
    path = f"/v1/clients/{otto.id}"
    told = await care.refused("PATCH", path, known, by="desk", name="email-in-use")
    assert (told["detail"], told["client_id"], told["client_status"]) == ("Email in use.", sara.id, "active")
    told = await care.refused("PATCH", path, known, by="ben", name="email-in-use")
    assert (told["detail"], "client_id" in told) == ("Email in use.", False)
    for by in (otto.email, "site"):
        answers = [
            await care.refused("PATCH", path, said, by=by, name="validation-failed", status=422)
            for said in (known, unknown)
        ]
        assert answers[0] == answers[1]
    await care.call("PATCH", path, {"email": "OTTO@example.com", "phone": "+12125550177"}, by=otto.email, expect=200)
    assert (await otto.look())["email"] == otto.email
    await care.call("PATCH", path, {"email": "otto@xn--bcher-kva.example"}, by="desk", expect=200)
    wrong = [
        await care.refused(
            "POST", "/v1/sessions", {"email": email, "password": "wrong"}, by=None, name="unauthenticated", status=401
        )
        for email in (sara.email, "otto@bücher.example", "nobody@example.com")
    ]
    assert wrong[0] == wrong[1] == wrong[2]
    session = {"email": "OTTO@BÜCHER.example", "password": "correct horse battery"}
    assert (await care.post("/v1/sessions", session, by=None))["client_id"] == otto.id

    # Whom staff made without an address is given one by the site: known or not, the answer is the same.
    seen_by_site = []
    for said in (known, unknown):
        made = await care.arrives("care_team", by="desk", client={"first_name": "Kim"})
        answer = await care.call("PATCH", f"/v1/clients/{made.id}", said, expect=200)
        seen_by_site.append(seen(answer))
    assert seen_by_site[0] == seen_by_site[1]
    await care.rest()
    assert [task["kind"] for task in await care.tasks()] == ["possible_duplicate"]

    # Another record without an account has an address too, and nobody is told of that.
    for _ in range(2):
        again = await care.arrives(name="Nora")
        await again.books("intro_call")
    await care.rest()
    assert (await care.mail_counts(to="nora@example.com"))["welcome"] == 2
