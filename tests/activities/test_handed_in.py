"""What is handed in beside a message: the step takes it over, once, and nobody else's."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from activities.clients import candidates
from activities.types.care import GoalOrder
from activities.types.clients import NewJourney
from activities.types.forms import FormSubmission
from activities.types.words import said_in, without_words
from activities.words import NothingHandedIn
from models.tables import FormRequest, Goal, HandedIn
from models.writes.clients.handed_in import KEPT_FOR, forget_what_nobody_took, hand_in
from rules.accounts.caller import Caller
from rules.enums import FormStatus, Role, Source
from rules.journey.goals import WeeklyTime
from tests.activities.asked_orders import Scene, open_journey
from tests.activities.test_asked_again import scene
from tests.care.rows import NOW, Rows

__all__ = ["scene"]

WORDS = "to sleep eight hours"
SARA = Caller(role=Role.CLIENT, name="sara")


async def _handed_in(scene: Scene, order: Any, *, about: str | None = None) -> Any:
    """As the API sends it."""
    row = HandedIn(
        id=uuid4(),
        request_id=order.request_id,
        about=UUID(about or order.client_id),
        said=said_in(order),
        handed_in_by="therapist:ana",
        handed_in_at=NOW,
    )
    async with scene.practice.sessions() as session:
        await hand_in(session, row)
        await hand_in(session, row)  # the same request once more
        await session.commit()
    return without_words(order, handed_in=str(row.id))


async def _left(scene: Scene) -> int:
    async with scene.practice.sessions() as session:
        return len((await session.exec(select(HandedIn))).all())


async def _goals(scene: Scene) -> list[str]:
    async with scene.practice.sessions() as session:
        return [goal.text for goal in (await session.exec(select(Goal))).all()]


def test_an_order_goes_on_its_way_without_words() -> None:
    order = FormSubmission(
        request_id="1", client_id="2", by=SARA, kind="x", answers={"reason": WORDS}, signature="Sara"
    )
    assert said_in(order) == {"answers": {"reason": WORDS}, "signature": "Sara"}
    sent = without_words(order, handed_in="3")
    assert (sent.answers, sent.signature, sent.handed_in, sent.kind) == ({}, "", "3", "x")
    assert said_in(sent) == {}


async def test_it_is_taken_over_once_and_gone_afterwards(scene: Scene) -> None:
    order = await _handed_in(scene, scene.order(GoalOrder, text=WORDS, remind=WeeklyTime(weekday="mon", at="09:00")))
    assert WORDS not in repr(order)
    done = await scene.done("create_goal", order)
    assert (await _goals(scene), await _left(scene)) == ([WORDS], 0)
    assert await scene.run("create_goal", order) == done  # asked again after its answer was lost
    assert await _goals(scene) == [WORDS]


async def test_what_is_refused_leaves_it_for_the_next_try(scene: Scene) -> None:
    order = await _handed_in(scene, scene.order(GoalOrder, text=WORDS))
    wrong = replace(order, remind=WeeklyTime(weekday="someday", at="9"))
    refused = await scene.run("create_goal", wrong)
    assert (refused.refusal is not None, await _left(scene)) == (True, 1)
    await scene.done("create_goal", order)
    assert (await _goals(scene), await _left(scene)) == ([WORDS], 0)


async def test_a_form_that_is_refused_leaves_it_and_a_complete_one_takes_it(scene: Scene) -> None:
    order = await _handed_in(scene, await scene.practice.billing_form(scene.client))
    refused = await scene.run("submit_form", replace(order, version=7))
    assert (refused.refusal is not None, await _left(scene)) == (True, 1)
    done = await scene.done("submit_form", order)
    assert ((await scene.row(FormRequest)).status, await _left(scene)) == (FormStatus.COMPLETE, 0)
    assert await scene.run("submit_form", order) == done


async def test_a_journey_that_is_not_begun_leaves_it_and_one_that_is_takes_it(scene: Scene) -> None:
    scene.client = str(uuid4())
    named = scene.order(NewJourney, source=Source.CARE_TEAM, therapist="nobody", note=WORDS)
    order = await _handed_in(scene, named)
    refused = await scene.run("open_journey", order)
    assert (refused.refusal is not None, await _left(scene)) == (True, 1)
    await scene.done("open_journey", replace(order, therapist="ana"))
    assert ((await scene.practice.row(scene.client)).note, await _left(scene)) == (WORDS, 0)


async def test_whoever_loses_a_place_and_is_matched_anew_takes_it_all_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Rows(scene.practice.sessions).therapist(
        "ben", licensed_in=["NV"], languages=["en"], modalities=["individual"], caseload_limit=3
    )
    counted = iter((3, 0))  # the last place is another's at the first look

    async def active_clients(*_: object) -> int:
        return next(counted)

    monkeypatch.setattr(candidates, "_active_clients", active_clients)
    order = await _handed_in(scene, await open_journey(scene))
    opened = await scene.done("open_journey", order)
    assert (opened.therapist, await _left(scene), list(counted)) == ("ben", 0, [])


@pytest.mark.parametrize("theft", ["another request", "another client", "none at all"])
async def test_nobody_takes_what_was_handed_in_for_another(scene: Scene, theft: str) -> None:
    order = scene.order(GoalOrder, text=WORDS)
    sent = await _handed_in(scene, order, about=str(uuid4()) if theft == "another client" else None)
    if theft == "another request":
        sent = replace(sent, request_id=str(uuid4()))
    if theft == "none at all":
        sent = replace(sent, handed_in=str(uuid4()))
    with pytest.raises(NothingHandedIn):
        await scene.run("create_goal", sent)
    assert (await _goals(scene), await _left(scene)) == ([], 1)


async def test_what_nobody_took_is_forgotten(scene: Scene) -> None:
    await _handed_in(scene, scene.order(GoalOrder, text=WORDS))
    async with scene.practice.sessions() as session:
        await forget_what_nobody_took(session, now=NOW + KEPT_FOR)
        await session.commit()
    assert await _left(scene) == 1
    async with scene.practice.sessions() as session:
        await forget_what_nobody_took(session, now=NOW + 2 * KEPT_FOR)
        await session.commit()
    assert await _left(scene) == 0
