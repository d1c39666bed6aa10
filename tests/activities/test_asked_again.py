"""Every step that carries a request's id is carried out once, and gives the same answer to whoever asks again.

``tests.activities.asked_orders`` has an order for each of them; a step that is missing from it is found by its type.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_type_hints
from uuid import uuid4

import pytest
from sqlmodel import col, select

from activities.answers import AnsweredOnce, without_snapshots
from activities.booking.book import BOOKED
from activities.registry import build
from activities.types.booking import (
    CancelOrder,
)
from activities.types.clients import (
    Done,
    JoinOrder,
)
from activities.types.forms import FormSubmission
from activities.types.money import RetryOrder
from models.tables.clients.step_answer import StepAnswer
from rules.enums import PaymentStatus
from rules.forms.fields import FieldType, FormField
from tests.activities.asked_orders import (
    ASKED,
    COMMITS,
    DAY,
    NOT_STORED,
    Prepare,
    Scene,
    archive_client,
    book,
    complete_form,
    grant_credit,
    name_of,
    open_journey,
    record_outcome,
)
from tests.care.crash_points import Death
from tests.care.practice import Practice
from tests.care.rows import Rows

BY_STEP = pytest.mark.parametrize(("step", "prepare"), ASKED, ids=[prepare.__name__ for _, prepare in ASKED])


@pytest.fixture
async def scene(practice: Practice) -> Scene:
    return Scene(practice, await practice.client())


# ---------------------------------------------------------------- what holds for all


def test_every_step_that_carries_a_requests_id_is_in_the_table(practice: Practice) -> None:
    carry = set()
    for step in build(practice.matching.deps):
        hints = get_type_hints(step.__func__)  # type: ignore[attr-defined]
        first = next((hint for name, hint in hints.items() if name not in ("self", "return")), None)
        if "request_id" in getattr(first, "__dataclass_fields__", {}):
            carry.add(name_of(step))
    assert carry == {step for step, _ in ASKED} | set(NOT_STORED)


@BY_STEP
async def test_asked_again_after_its_answer_was_lost(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, step: str, prepare: Prepare
) -> None:
    """The process dies between the commit and the answer. Asked again, it is the answer that was lost, whole; asked
    after something else has changed, it is the same with fresh snapshots. Nothing more is ever written."""
    order = await prepare(scene)
    lost: list[Any] = []
    keep = AnsweredOnce.keep

    def kept(self: Any, session: Any, client: Any, order: Any, answer: Any, *, at: Any) -> Any:
        lost.append(answer)
        return keep(self, session, client, order, answer, at=at)

    monkeypatch.setattr(AnsweredOnce, "keep", kept)
    before = await scene.story.rows()
    scene.practice.points.reset(2 * COMMITS.get(step, 1))  # right after the last commit
    with pytest.raises(Death):
        await scene.run(step, order)
    scene.practice.points.reset()
    once = await scene.story.rows()
    assert once != before
    assert len(lost) == 1
    assert await said_in_answers(scene) == set()
    scene.practice.clock.instant += timedelta(seconds=7)
    for _ in range(2):
        assert await scene.run(step, order) == lost[0]
        assert await scene.story.rows() == once

    client = str(order.into_id) if isinstance(order, JoinOrder) else scene.client
    await scene.something_else_changes(client)
    stands = await scene.story.rows()
    late = await scene.run(step, order)
    assert await scene.story.rows() == stands
    assert without_snapshots(late) == without_snapshots(lost[0])
    journeys = [getattr(late, name, None) for name in ("facts", "journey", "into")]
    assert await scene.facts(client) in journeys


async def said_in_answers(scene: Scene) -> set[str]:
    """Sentences in what is stored: an answer has ids, states and times, and no text has a space. Why a date was skipped
    or is an exception is a sentence of the product's own."""
    async with scene.practice.sessions() as session:
        stored = [row.answer for row in (await session.exec(select(StepAnswer))).all()]
    return {text for answer in stored for text in _texts(answer) if " " in text}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in ("skipped", "exceptions"):
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


async def test_what_explains_a_match_is_in_no_answer(scene: Scene) -> None:
    """Why somebody fits tells what the client is troubled by: it stands with the match alone."""
    await Rows(scene.practice.sessions).therapist(
        "mia", licensed_in=["NV"], languages=["en"], modalities=["individual"], concerns=["anxiety"]
    )
    order = await open_journey(scene)
    order = replace(order, answers={**order.answers, "concerns": ["anxiety"]})
    answered = await scene.done("open_journey", order)
    assert (answered.match["therapist"], answered.match["factors"]) == ("mia", []), answered
    assert "anxiety" not in repr(answered)
    assert "anxiety" not in repr(await said_in_answers(scene))
    assert await scene.run("open_journey", order) == answered


async def test_what_was_answered_before_a_join_is_given_back_after_it(scene: Scene) -> None:
    booked, _ = await scene.practice.booked(scene.client, weeks=2)
    order = scene.change(CancelOrder, booked.id, reason="ill")
    await scene.done("cancel_appointment", order)
    record = await scene.practice.client(name="Saara")
    await scene.done("join_records", scene.order(JoinOrder, into_id=record))
    stands = await scene.story.rows()
    again = await scene.run("cancel_appointment", order)
    assert again.refusal is None
    assert again.changed
    assert await scene.story.rows() == stands


async def test_a_request_whose_id_was_made_up_at_length_is_carried_out_once(scene: Scene) -> None:
    order = replace(await archive_client(scene), request_id="by hand " * 500)
    answered = await scene.done("archive_client", order)
    stands = await scene.story.rows()
    assert await scene.run("archive_client", order) == answered
    assert await scene.story.rows() == stands


@pytest.mark.parametrize("prepare", [book, record_outcome, grant_credit, archive_client], ids=lambda one: one.__name__)
async def test_two_runs_of_one_request_at_once_are_one(scene: Scene, prepare: Prepare) -> None:
    order = await prepare(scene)
    answers = await asyncio.gather(*(scene.run(prepare.__name__, order) for _ in range(3)))
    assert answers == [answers[0]] * 3
    async with scene.practice.sessions() as session:
        asked = select(StepAnswer).where(col(StepAnswer.request_id) == order.request_id)
        assert len((await session.exec(asked)).all()) == 1


async def test_a_refusal_is_not_stored_and_the_same_request_may_be_carried_out_later(scene: Scene) -> None:
    [taken] = await scene.practice.booked(await scene.practice.client(name="Otto"))
    order = scene.practice.booking_order(scene.client)
    assert (await scene.run("book", order)).refusal is not None
    await scene.done("cancel_appointment", scene.change(CancelOrder, taken.id))
    assert (await scene.run("book", order)).refusal is None


async def test_an_answer_names_its_snapshots_and_says_nothing_that_people_typed(scene: Scene) -> None:
    for name, prepare in ASKED:
        if name in ("cancel_appointment", "change_details", "grant_credit", "resolve_task", "create_goal"):
            await scene.done(name, await prepare(scene))
    async with scene.practice.sessions() as session:
        stored = (await session.exec(select(StepAnswer))).all()
    texts = " ".join(str(row.answer) for row in stored)
    assert len(stored) > 5
    for typed in ("ill", "goodwill", "called", "Sleep", "+12125550199", "Lind", "sara@example.com"):
        assert f"'{typed}" not in texts
    [booked] = [row.answer for row in stored if row.step == BOOKED.step]
    assert set(booked["appointments"][0]) == {"$snapshot", "of"}


async def test_a_debt_that_was_settled_since_is_not_given_back(scene: Scene) -> None:
    payment = await scene.payment(card="empty")
    scene.practice.clock.instant += 2 * DAY
    await scene.run("owe_payment", payment)
    order = scene.order(RetryOrder, payment_id=payment)
    first: Done = await scene.done("retry_payment", order)
    assert first.facts is not None
    assert [debt.payment_id for debt in first.facts.debts] == [payment]
    await scene.practice.bank_says(scene.client, None)
    await scene.practice.attempt(payment, first.facts.debts[0].attempts + 1)
    assert (await scene.practice.payment(payment)).status is PaymentStatus.PAID
    assert (await scene.run("retry_payment", order)).facts.debts == ()


async def test_an_intake_form_that_has_a_new_version_since_is_still_complete_to_whoever_sent_it(scene: Scene) -> None:
    """The lost answer is given back, although the answers would not do for what is asked now."""
    await scene.practice.booked(scene.client)
    order = scene.order(FormSubmission, kind="informed_consent", answers={"agrees": True}, signature="Sara Lind")
    await scene.done("submit_form", order)
    await scene.publish("informed_consent", [FormField(name="new", type=FieldType.TEXT, label="New", required=True)])
    await scene.run("request_new_versions", scene.client)
    other = replace(order, request_id=str(uuid4()))
    assert (await scene.run("submit_form", other)).refusal is not None
    stands = await scene.story.rows()
    assert (await scene.run("submit_form", order)).changed
    assert await scene.story.rows() == stands


async def test_the_same_answers_by_another_request_complete_a_form_once(scene: Scene) -> None:
    order = await complete_form(scene)
    assert (await scene.done("complete_form", order)).changed
    answers = (await scene.story.rows())["form_answer"]
    assert not (await scene.done("complete_form", replace(order, request_id=str(uuid4())))).changed
    assert (await scene.story.rows())["form_answer"] == answers
