"""Every step that carries a request's id is carried out once, and gives the same answer to whoever asks again.

The table below has an order for each of them; a step that is missing from it is found by its type.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, get_type_hints
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select

from activities.answers import AnsweredOnce, without_snapshots
from activities.booking.book import BOOKED
from activities.registry import build
from activities.types.archive import ArchiveOrder, UnarchiveOrder
from activities.types.booking import (
    CancelOrder,
    FollowingCancelOrder,
    FollowingMoveOrder,
    LeaveOrder,
    LinksOrder,
    OutcomeOrder,
    RescheduleOrder,
    WaitOrder,
)
from activities.types.care import GoalChange, GoalOrder
from activities.types.clients import (
    ActivationOrder,
    ClientDetails,
    DetailsOrder,
    Done,
    JoinOrder,
    MatchOrder,
    NewJourney,
    TaskOrder,
    TaskResolution,
)
from activities.types.forms import FormAsking, FormCompletion, FormSubmission
from activities.types.mail import MailOrder
from activities.types.money import GrantOrder, LetGoOrder, RefundOrder, RetryOrder
from models.reads.journey import journey_facts
from models.tables.booking.therapist import Therapist
from models.tables.booking.waitlist import WaitlistPlace
from models.tables.care.goal import Goal
from models.tables.clients.client import Client
from models.tables.clients.step_answer import StepAnswer
from models.tables.clients.task import Task
from models.writes.forms.templates import add_version
from rules.enums import AppointmentType, Mode, Outcome, PaymentStatus, RefundTo, Source, TaskKind
from rules.forms.fields import FieldType, FormField
from rules.journey.stage import JourneyFacts
from tests.activities.test_twice import Story, _token
from tests.care.crash_points import Death
from tests.care.practice import DESK, MONDAY, POLICY, Practice
from tests.care.rows import Rows

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
NOT_STORED = {
    "set_up_card": "its answer is a secret of Stripe's, and a new one does no harm",
    "prepare_confirmation": "its answer is a secret of Stripe's, and a new one does no harm",
}
COMMITS = {"submit_form": 2}  # before it asks Stripe, and after; all others have one


class Scene:
    """One client, and what must have happened before a step can be asked."""

    def __init__(self, practice: Practice, client: str) -> None:
        self.practice, self.client = practice, client
        self.story = Story(practice, client)
        self.steps = {name_of(step): step for step in build(practice.matching.deps)}

    def order(self, kind: type[Any], /, **more: Any) -> Any:
        return kind(**{"request_id": str(uuid4()), "client_id": self.client, "by": DESK} | more)

    def change(self, kind: type[Any], appointment_id: str, **more: Any) -> Any:
        return kind(request_id=str(uuid4()), appointment_id=appointment_id, by=DESK, **more)

    async def run(self, name: str, order: Any) -> Any:
        step = self.steps[name]
        return await (step(order, POLICY) if len(inspect.signature(step).parameters) > 1 else step(order))

    async def done(self, name: str, order: Any) -> Any:
        answer = await self.run(name, order)
        assert getattr(answer, "refusal", None) is None, answer
        return answer

    async def payment(self, *, card: str | None = None) -> str:
        """A fee that is due; with a card, it was tried once: ``good``, or ``empty``."""
        [held] = await self.practice.booked(self.client)
        if card is not None:
            await self.practice.gives_card(self.client)
            await self.practice.bank_says(self.client, "insufficient_funds" if card == "empty" else None)
        payment = await self.practice.occurred(held)
        if card is not None:
            await self.practice.attempt(payment)
        return payment

    async def row(self, table: type[Any]) -> Any:
        async with self.practice.sessions() as session:
            return (await session.exec(select(table).where(col(table.client_id) == UUID(self.client)))).one()

    async def publish(self, kind: str, fields: list[FormField]) -> None:
        """A new version of a form."""
        documents, at = [field.to_document() for field in fields], self.practice.clock.instant
        async with self.practice.sessions() as session:
            await add_version(session, id=uuid4(), kind=kind, title="Form", fields=documents, by="x", at=at)
            await session.commit()

    async def something_else_changes(self, client: str) -> None:
        order = self.order(DetailsOrder, client_id=client, portal_settings={"chat": False})
        await self.done("change_details", order)

    async def facts(self, client: str) -> JourneyFacts:
        async with self.practice.sessions() as session:
            return await journey_facts(session, await session.get_one(Client, UUID(client)))


def name_of(step: Callable[..., Any]) -> str:
    return str(vars(step.__func__)["__temporal_activity_definition"].name)  # type: ignore[attr-defined]


# ---------------------------------------------------------------- an order for each


async def open_journey(scene: Scene) -> Any:
    scene.client = str(uuid4())
    answers = {"state": "NV", "concerns": [], "languages": ["en"], "modality": "individual"}
    return scene.order(NewJourney, source=Source.MATCHING_FORM, answers=answers)


async def match_by_hand(scene: Scene) -> Any:
    await scene.practice.therapist("ben")
    await scene.practice.booked(scene.client, weeks=2)
    return scene.order(MatchOrder, therapist="ben", reason="asked for", cancel_appointments=True)


async def book(scene: Scene) -> Any:
    return scene.practice.booking_order(scene.client, weeks=3)


async def book_from_the_archive(scene: Scene) -> Any:
    [running] = await scene.practice.booked(scene.client)
    scene.practice.clock.instant = running.starts_at + timedelta(minutes=5)
    await scene.done("archive_client", ArchiveOrder(request_id=str(uuid4()), client_id=scene.client, by="x"))
    return scene.practice.booking_order(scene.client, MONDAY + WEEK)


async def cancel_appointment(scene: Scene) -> Any:
    [one] = await scene.practice.booked(scene.client)
    scene.practice.clock.instant = one.starts_at - timedelta(hours=3)
    return scene.change(CancelOrder, one.id, requested_by_client=True, reason="ill")


async def reschedule_appointment(scene: Scene) -> Any:
    [one] = await scene.practice.booked(scene.client)
    return scene.change(RescheduleOrder, one.id, starts_at=MONDAY + DAY)


async def record_outcome(scene: Scene) -> Any:
    [one] = await scene.practice.booked(scene.client)
    scene.practice.clock.instant = one.ends_at
    return scene.change(OutcomeOrder, one.id, outcome=Outcome.NO_SHOW)


async def cancel_following(scene: Scene) -> Any:
    _, second, _ = await scene.practice.booked(scene.client, weeks=3)
    return scene.change(FollowingCancelOrder, second.id, client_id=scene.client)


async def reschedule_following(scene: Scene) -> Any:
    first, *_ = await scene.practice.booked(scene.client, weeks=3)
    return scene.change(FollowingMoveOrder, first.id, client_id=scene.client, starts_at=MONDAY + WEEK)


async def refresh_links(scene: Scene) -> Any:
    async def link_is(link: str) -> None:
        async with scene.practice.sessions() as session:
            (await session.exec(select(Therapist))).one().zoom_link = link
            await session.commit()

    await link_is("https://zoom.example/j/old")
    await scene.done("book", replace(scene.practice.booking_order(scene.client), mode=Mode.ZOOM))
    await link_is("https://zoom.example/j/new")
    return scene.order(LinksOrder, therapist="ana", by="care_team:desk")


async def join_waitlist(scene: Scene) -> Any:
    wish = {"wished_from": MONDAY, "wished_until": MONDAY + WEEK}
    return scene.order(WaitOrder, therapist="ana", type=AppointmentType.SESSION, **wish)


async def leave_waitlist(scene: Scene) -> Any:
    await scene.done("join_waitlist", await join_waitlist(scene))
    return scene.order(LeaveOrder, place_id=str((await scene.row(WaitlistPlace)).id))


async def activate_account(scene: Scene) -> Any:
    order = MailOrder(key="welcome", template="welcome", client_id=scene.client, vital=True)
    await scene.practice.mail.send_mail(order, POLICY)
    token = sha256(_token(scene.practice.post.sent[0]).encode()).hexdigest()
    return ActivationOrder(request_id=str(uuid4()), client_id=scene.client, token_hash=token, password_hash="hashed")


async def change_details(scene: Scene) -> Any:
    return scene.order(DetailsOrder, details=ClientDetails(phone="+12125550199"), unsubscribed=True)


async def resolve_task(scene: Scene) -> Any:
    await scene.run("open_task", TaskOrder(key="k", client_id=scene.client, kind=TaskKind.PAYMENT_FAILED, text="Look."))
    return scene.order(TaskResolution, task_id=str((await scene.row(Task)).id), note="called")


async def join_records(scene: Scene) -> Any:
    record = await scene.practice.client(name="Saara")
    await scene.practice.booked(scene.client, weeks=2)
    return scene.order(JoinOrder, into_id=record)


async def create_goal(scene: Scene) -> Any:
    return scene.order(GoalOrder, text="Sleep")


async def change_goal(scene: Scene) -> Any:
    await scene.done("create_goal", await create_goal(scene))
    return scene.order(GoalChange, goal_id=str((await scene.row(Goal)).id), text="Rest")


async def submit_form(scene: Scene) -> Any:
    await scene.payment(card="empty")  # which the new card resumes
    return await scene.practice.billing_form(scene.client)


async def request_form(scene: Scene) -> Any:
    await scene.publish("diary", [FormField(name="mood", type=FieldType.TEXT, label="Mood")])
    return scene.order(FormAsking, kind="diary")


async def complete_form(scene: Scene) -> Any:
    asked: Done = await scene.done("request_form", await request_form(scene))
    assert asked.document is not None
    return scene.order(FormCompletion, form_id=asked.document["form_id"], answers={"mood": "fine"}, signature="Sara")


async def grant_credit(scene: Scene) -> Any:
    return scene.order(GrantOrder, amount=5000, currency="USD", reason="goodwill")


async def begin_refund(scene: Scene) -> Any:
    about = {"payment_id": await scene.payment(card="good"), "to": RefundTo.CREDIT, "reason": "goodwill"}
    return scene.order(RefundOrder, refund_id=str(uuid4()), **about)


async def waive_payment(scene: Scene) -> Any:
    return scene.order(LetGoOrder, payment_id=await scene.payment(), reason="hardship")


async def write_off_payment(scene: Scene) -> Any:
    payment = await scene.payment()
    scene.practice.clock.instant += 2 * DAY
    await scene.run("owe_payment", payment)
    return scene.order(LetGoOrder, payment_id=payment, reason="hardship")


async def retry_payment(scene: Scene) -> Any:
    return scene.order(RetryOrder, payment_id=await scene.payment(card="empty"))


async def archive_client(scene: Scene) -> Any:
    await scene.practice.booked(scene.client, weeks=3)
    return ArchiveOrder(request_id="typed by hand", client_id=scene.client, by="x", reason="moved away")


async def unarchive_client(scene: Scene) -> Any:
    await scene.payment()
    await scene.practice.booked(scene.client, MONDAY + 3 * WEEK, weeks=2)
    await scene.done("archive_client", ArchiveOrder(request_id=str(uuid4()), client_id=scene.client, by="x"))
    return UnarchiveOrder(request_id="typed by hand", client_id=scene.client, by="x", restore=True)


Prepare = Callable[[Scene], Awaitable[Any]]
ASKED: list[tuple[str, Prepare]] = [
    (prepare.__name__, prepare)
    for prepare in (
        open_journey, match_by_hand, book, cancel_appointment, reschedule_appointment, record_outcome,
        cancel_following, reschedule_following, refresh_links, join_waitlist, leave_waitlist, activate_account,
        change_details, resolve_task, join_records, create_goal, change_goal, submit_form, request_form,
        complete_form, grant_credit, begin_refund,
        waive_payment, write_off_payment, retry_payment, archive_client, unarchive_client,
    )
]  # fmt: skip
ASKED.append(("book", book_from_the_archive))
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


async def test_a_match_that_is_explained_is_told_again_whole_and_stored_once(scene: Scene) -> None:
    """Why somebody fits tells what the client is troubled by: it stands with the match, and not with the answer."""
    await Rows(scene.practice.sessions).therapist(
        "mia", licensed_in=["NV"], languages=["en"], modalities=["individual"], concerns=["anxiety"]
    )
    order = await open_journey(scene)
    order = replace(order, answers={**order.answers, "concerns": ["anxiety"]})
    answered = await scene.done("open_journey", order)
    assert answered.match["factors"], answered
    assert await said_in_answers(scene) == set()
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
    assert [debt.id for debt in first.debts] == [payment]
    await scene.practice.bank_says(scene.client, None)
    await scene.practice.attempt(payment, first.debts[0].attempts + 1)
    assert (await scene.practice.payment(payment)).status is PaymentStatus.PAID
    assert (await scene.run("retry_payment", order)).debts == ()


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
