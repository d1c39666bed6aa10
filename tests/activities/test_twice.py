"""Every step done twice is done once: the engine may run any of them again, and nobody must notice."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from activities.ports import OutgoingMail
from activities.types.archive import ArchiveOrder, UnarchiveOrder
from activities.types.booking import CancelOrder, OutcomeOrder, RescheduleOrder
from activities.types.clients import (
    ActivationOrder,
    ClientDetails,
    CloseOrder,
    DetailsOrder,
    MatchOrder,
    NewJourney,
    TaskOrder,
    TaskResolution,
)
from activities.types.forms import FormSubmission
from rules.enums import Outcome, Source, TaskKind
from rules.mail.orders import MailOrder
from tests.activities.mail.sending import send
from tests.care.crash_points import Death
from tests.care.practice import DESK, MONDAY, Practice

TABLES = (
    "client",
    "appointment",
    "occupied_time",
    "match",
    "form_request",
    "form_answer",
    "goal",
    "payment",
    "payment_try",
    "outbox",
    "task",
    "token",
    "fact",
    "step_answer",
)
Step = Callable[[], Awaitable[Any]]


@dataclass
class Story:
    """One client's steps, in the order in which they could happen. ``client`` is who they are about."""

    practice: Practice
    client: str

    async def rows(self) -> dict[str, list[str]]:
        """Everything that the database knows, row by row."""
        async with self.practice.sessions() as session:
            connection = await session.connection()
            found = {}
            for table in TABLES:
                rows = await connection.execute(text(f"SELECT row_to_json(t)::text FROM {table} t"))  # noqa: S608
                found[table] = sorted(row[0] for row in rows)
            return found

    async def twice(self, step: Step) -> Any:
        """Do it, killed right after its last commit; do it again, and once more. Only the first changed anything."""
        self.practice.points.reset()
        before = await self.rows()
        first = await step()
        once = await self.rows()
        assert once != before, "this step did nothing to be repeated"
        self.practice.clock.instant += timedelta(seconds=7)
        second = await step()
        assert await self.rows() == once
        return first, second

    async def killed_at_every_commit(self, step: Step) -> None:
        """Before or after each commit that the step makes: run again, it ends as if nothing had been."""
        commits = 1
        while True:
            self.practice.points.reset(commits)
            try:
                await step()
            except Death:
                commits += 1
                if commits > 12:
                    raise
                continue
            self.practice.points.reset()
            return


@pytest.fixture
async def story(practice: Practice) -> Story:
    return Story(practice, await practice.client())


async def test_a_journey_is_opened_once(practice: Practice) -> None:
    story = Story(practice, str(uuid4()))
    by_profile = NewJourney(
        request_id=str(uuid4()), client_id=str(uuid4()), by=DESK, source=Source.DIRECT_BOOKING, therapist="ana"
    )
    first, second = await story.twice(lambda: practice.matching.open_journey(by_profile))
    assert first == second
    answers = {"state": "NV", "concerns": [], "languages": ["en"], "modality": "individual"}
    by_form = replace(
        by_profile,
        request_id=str(uuid4()),
        client_id=str(uuid4()),
        source=Source.MATCHING_FORM,
        therapist=None,
        answers=answers,
    )
    first, second = await story.twice(lambda: practice.matching.open_journey(by_form))
    assert first == second
    # Nobody fits: one task, however often it is asked.
    assert len((await story.rows())["task"]) == 1
    await story.twice(lambda: practice.archive.close_anonymous_journey(CloseOrder(client_id=by_form.client_id)))


async def test_booking_moving_and_cancelling_are_done_once(story: Story) -> None:
    practice = story.practice
    await practice.therapist("ben")
    order = practice.booking_order(story.client, weeks=4)
    first, second = await story.twice(lambda: practice.booking.book(order))
    assert first == second
    assert len(first.appointments) == 4
    one, two, three, _ = (facts.id for facts in first.appointments)

    move = RescheduleOrder(request_id=str(uuid4()), appointment_id=one, by=DESK, starts_at=MONDAY + timedelta(days=1))
    moved, again = await story.twice(lambda: practice.appointments.reschedule_appointment(move))
    assert moved == again
    assert again.appointment.starts_at == move.starts_at

    for appointment, by_client in ((one, True), (two, False)):
        practice.clock.instant = first.appointments[0].starts_at - timedelta(hours=3)
        cancel = CancelOrder(
            request_id=str(uuid4()), appointment_id=appointment, by=DESK, requested_by_client=by_client
        )
        done, again = await story.twice(lambda c=cancel: practice.appointments.cancel_appointment(c))  # type: ignore[misc]
        assert done == again
        # Another request for the same is refused, and changes nothing.
        stands = await story.rows()
        other = replace(cancel, request_id=str(uuid4()))
        assert (await practice.appointments.cancel_appointment(other)).refusal is not None
        assert await story.rows() == stands

    change = MatchOrder(
        request_id=str(uuid4()),
        client_id=story.client,
        by=DESK,
        therapist="ben",
        reason="asked for",
        cancel_appointments=True,
    )
    matched, again = await story.twice(lambda: practice.matching.match_by_hand(change))
    assert matched == again
    assert three in [facts.id for facts in matched.cancelled]


async def test_outcomes_forms_details_and_tasks_are_done_once(story: Story) -> None:
    practice = story.practice
    [session] = await practice.booked(story.client)
    billing = await practice.billing_form(story.client)
    await story.twice(lambda: practice.forms.submit_form(billing))
    consent = FormSubmission(
        request_id=str(uuid4()),
        client_id=story.client,
        by=DESK,
        kind="informed_consent",
        answers={"agrees": True},
        signature="Sara Lind",
    )
    await story.twice(lambda: practice.forms.submit_form(consent))
    details = DetailsOrder(
        request_id=str(uuid4()),
        client_id=story.client,
        by=DESK,
        details=ClientDetails(phone="+12125550199"),
        portal_settings={"chat": False},
        unsubscribed=True,
    )
    await story.twice(lambda: practice.accounts.change_details(details))

    practice.clock.instant = session.starts_at
    await story.twice(lambda: practice.appointments.appointment_started(session.id))
    practice.clock.instant = session.ends_at + timedelta(hours=40)
    missing = TaskOrder(
        key=f"{session.id}:missing",
        client_id=story.client,
        kind=TaskKind.OUTCOME_MISSING,
        text="The outcome is missing.",
        appointment_id=session.id,
    )
    await story.twice(lambda: practice.appointments.outcome_overdue(missing))
    practice.clock.instant = session.ends_at + timedelta(hours=49)
    await story.twice(lambda: practice.appointments.record_breach(session.id))
    outcome = OutcomeOrder(request_id=str(uuid4()), appointment_id=session.id, by=DESK, outcome=Outcome.NO_SHOW)
    marked, again = await story.twice(lambda: practice.appointments.record_outcome(outcome))
    assert marked == again
    await story.twice(lambda: practice.money.owe_payment(marked.appointment.payment.id))

    call = replace(missing, key="call", kind=TaskKind.PAYMENT_FAILED)
    opened, _ = await story.twice(lambda: practice.accounts.open_task(call))
    async with practice.sessions() as database:
        connection = await database.connection()
        rows = await connection.execute(text("SELECT id::text FROM task WHERE key = 'call'"))
        task_id = str(rows.scalar_one())
    done = TaskResolution(request_id=str(uuid4()), client_id=story.client, by=DESK, task_id=task_id, note="called")
    await story.twice(lambda: practice.accounts.resolve_task(done))
    assert "call" in [task.key for task in opened.facts.open_tasks]


async def test_an_account_is_activated_once(story: Story) -> None:
    practice = story.practice
    order = MailOrder(key="welcome", template="welcome", client_id=story.client, vital=True)
    assert [await send(practice, order) for _ in range(2)] == ["sent", "sent"]
    activation = ActivationOrder(
        request_id=str(uuid4()),
        client_id=story.client,
        token_hash=sha256(_token(practice.post.sent[0]).encode()).hexdigest(),
        password_hash="hashed",
    )
    await story.twice(lambda: practice.accounts.activate_account(activation))
    other = replace(activation, request_id=str(uuid4()), password_hash="other")
    assert (await practice.accounts.activate_account(other)).refusal is not None


def _token(mail: OutgoingMail) -> str:
    return mail.text.split("/activate/")[1].split()[0]


async def test_archiving_and_its_end_are_done_once(story: Story) -> None:
    practice = story.practice
    await practice.booked(story.client, weeks=3)
    archive = ArchiveOrder(client_id=story.client, request_id=str(uuid4()), by="care_team:desk")
    first, second = await story.twice(lambda: practice.archive.archive_client(archive))
    assert first == second, "whoever asks again, because the answer was lost, must hear all of it"
    assert len(first.appointments) == 3
    other = await practice.archive.archive_client(replace(archive, request_id=str(uuid4())))
    assert (other.changed, other.appointments) == (False, ())
    back = UnarchiveOrder(client_id=story.client, request_id=str(uuid4()), by="care_team:desk")
    first_back, second_back = await story.twice(lambda: practice.archive.unarchive_client(back))
    assert first_back == second_back


async def test_a_restore_is_done_once_and_its_whole_answer_is_heard_again(story: Story) -> None:
    practice = story.practice
    held, *_ = await practice.booked(story.client, weeks=3)
    await practice.gives_card(story.client)
    _ = await practice.occurred(held)
    archive = ArchiveOrder(client_id=story.client, request_id="from the command line", by="via Temporal")
    _ = await practice.archive.archive_client(archive)
    back = UnarchiveOrder(client_id=story.client, request_id="the same", by="via Temporal", restore=True)
    first, second = await story.twice(lambda: practice.archive.unarchive_client(back))
    assert first == second
    assert (len(first.restored), len(first.paying)) == (2, 1)
    assert not {one.id for one in first.restored} & {one.id for one in first.appointments}
    again = replace(back, request_id="another")
    assert not (await practice.archive.unarchive_client(again)).changed
    # An echo of the archive does not undo what was decided since, nor one of its end the next archive.
    assert not (await practice.archive.archive_client(archive)).changed
    await story.killed_at_every_commit(lambda: practice.archive.archive_client(replace(archive, request_id="the next")))
    assert not (await practice.archive.unarchive_client(back)).changed
    await story.killed_at_every_commit(lambda: practice.archive.unarchive_client(replace(back, request_id="its end")))
    rows = await story.rows()
    assert (len(rows["appointment"]), len(rows["occupied_time"])) == (7, 3)


async def test_killed_at_every_commit_a_step_still_ends_once(story: Story) -> None:
    practice = story.practice
    order = practice.booking_order(story.client, weeks=3)
    await story.killed_at_every_commit(lambda: practice.booking.book(order))
    billing = await practice.billing_form(story.client)
    await story.killed_at_every_commit(lambda: practice.forms.submit_form(billing))
    archive = ArchiveOrder(client_id=story.client, request_id=str(uuid4()), by="care_team:desk")
    await story.killed_at_every_commit(lambda: practice.archive.archive_client(archive))
    rows = await story.rows()
    assert (len(rows["appointment"]), len(rows["occupied_time"]), len(rows["form_answer"])) == (3, 0, 1)
    kinds = await practice.facts(story.client)
    assert [kinds.count(kind) for kind in ("booked", "form_completed", "card_saved", "archived")] == [1, 1, 1, 1]


async def test_a_booking_and_an_archive_in_opposite_order_do_not_wait_for_each_other_for_ever(story: Story) -> None:
    practice = story.practice
    starts: list[datetime] = [MONDAY + timedelta(days=day) for day in range(6)]
    orders = [practice.booking_order(story.client, start, weeks=2) for start in starts]
    archive = ArchiveOrder(client_id=story.client, request_id=str(uuid4()), by="care_team:desk")
    bookings = asyncio.gather(*(practice.booking.book(order) for order in orders))
    archived = practice.archive.archive_client(archive)
    booked, _ = await asyncio.wait_for(asyncio.gather(bookings, archived), 20)
    assert [done.refusal for done in booked] == [None] * len(orders)
    await practice.facts(story.client)  # and the chain holds
