"""An order for each step that carries a request's id, and what must have happened before it can be asked."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from sqlmodel import col, select

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
    UnmarkOrder,
    WaitOrder,
)
from activities.types.care import GoalChange, GoalOrder
from activities.types.clients import (
    ActivationOrder,
    ClientDetails,
    DetailsOrder,
    Done,
    JoinOrder,
    LinkOrder,
    MatchOrder,
    NewJourney,
    TaskOrder,
    TaskResolution,
)
from activities.types.forms import FormAsking, FormCompletion
from activities.types.money import ApprovalRefusal, GrantOrder, LetGoOrder, RefundOrder, RetryOrder
from models.reads.journey import journey_facts
from models.tables.booking.therapist import Therapist
from models.tables.booking.waitlist import WaitlistPlace
from models.tables.care.goal import Goal
from models.tables.clients.client import Client
from models.tables.clients.task import Task
from models.tables.money.approval import Approval
from models.writes.forms.texts import add_version
from rules.enums import AppointmentType, ApprovalAct, Mode, Outcome, RefundTo, Role, Source, TaskKind
from rules.forms.fields import FieldType, FormField
from rules.journey.stage import JourneyFacts
from rules.mail.orders import MailOrder
from tests.activities.mail.sending import send
from tests.activities.test_twice import Story, _token
from tests.care.practice import DESK, MONDAY, POLICY, Practice
from tests.care.rows import Rows

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
NOT_STORED = {
    "set_up_card": "its answer is a secret of Stripe's, and a new one does no harm",
    "prepare_confirmation": "its answer is a secret of Stripe's, and a new one does no harm",
    "look_for_refunds": "it only writes down what Stripe has: looking again finds the same",
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


async def unmark_outcome(scene: Scene) -> Any:
    [one] = await scene.practice.booked(scene.client)
    await scene.practice.occurred(one)
    return scene.order(UnmarkOrder, appointment_id=one.id)


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
    await send(scene.practice, order)
    token = sha256(_token(scene.practice.post.sent[0]).encode()).hexdigest()
    return ActivationOrder(request_id=str(uuid4()), client_id=scene.client, token_hash=token, password_hash="hashed")


async def send_activation_link(scene: Scene) -> Any:
    return scene.order(LinkOrder)


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


async def refuse_approval(scene: Scene) -> Any:
    waits = Approval(
        id=uuid4(),
        request_id=str(uuid4()),
        act=ApprovalAct.CREDIT,
        client_id=UUID(scene.client),
        amount=5000,
        currency="USD",
        order={"reason": "goodwill"},
        asked_by="care_team:maria",
        asked_role=Role.CARE_TEAM,
        asked_as="maria",
        person="program:maria",
        asked_at=scene.practice.clock.instant,
        lapses_at=scene.practice.clock.instant + timedelta(days=30),
    )
    await Rows(scene.practice.sessions).add(waits)
    return scene.order(ApprovalRefusal, approval_id=str(waits.id), reason="too much")


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
        unmark_outcome,
        cancel_following, reschedule_following, refresh_links, join_waitlist, leave_waitlist, activate_account,
        send_activation_link, change_details, resolve_task, join_records, create_goal, change_goal, submit_form,
        request_form,
        complete_form, grant_credit, begin_refund, refuse_approval,
        waive_payment, write_off_payment, retry_payment, archive_client, unarchive_client,
    )
]  # fmt: skip
ASKED.append(("book", book_from_the_archive))
