"""A series changed from one appointment on: all of it or none, once however often it is asked, and in no circle."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import col, select

from activities.booking.series import SeriesActivities
from activities.types.archive import ArchiveOrder
from activities.types.booking import (
    CancelOrder,
    FollowingCancelOrder,
    FollowingChanged,
    FollowingMoveOrder,
    LinksOrder,
    OutcomeOrder,
    RescheduleOrder,
)
from activities.types.facts import AppointmentFacts
from models.tables.booking.appointment import Appointment
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.therapist import AppointmentSettings, Therapist, WeeklyHours
from models.tables.mail.outbox import OutboxItem
from rules.accounts.caller import Caller
from rules.enums import AppointmentStatus, AppointmentType, Mode, Outcome, Role
from rules.mail.kinds import Mail
from rules.refusals import Problem
from tests.activities.test_twice import Story
from tests.care.crash_points import Death
from tests.care.practice import DESK, FEE, MONDAY, Practice

WEEK = timedelta(weeks=1)
HOUR = timedelta(hours=1)
PORTAL = Caller(role=Role.BOOKING_SITE, name="site")


@pytest.fixture
async def story(practice: Practice) -> Story:
    return Story(practice, await practice.client())


@pytest.fixture
def series(practice: Practice) -> SeriesActivities:
    return SeriesActivities(practice.booking.deps)


def cancel(client: str, first: AppointmentFacts, **more: Any) -> FollowingCancelOrder:
    values: dict[str, Any] = {"request_id": str(uuid4()), "by": DESK, "client_id": client, "appointment_id": first.id}
    return FollowingCancelOrder(**values | more)


def move(client: str, first: AppointmentFacts, starts_at: datetime, **more: Any) -> FollowingMoveOrder:
    values: dict[str, Any] = {"request_id": str(uuid4()), "by": DESK, "client_id": client, "appointment_id": first.id}
    return FollowingMoveOrder(**values | {"starts_at": starts_at} | more)


async def appointments(practice: Practice) -> list[Appointment]:
    """Every appointment there is, by time; each occupies its time exactly while it is on."""
    async with practice.sessions() as session:
        rows = list(await session.exec(select(Appointment).order_by(col(Appointment.starts_at))))
        occupied = {row.id: (row.starts_at, row.ends_at) for row in await session.exec(select(OccupiedTime))}
    cancelled = (AppointmentStatus.CANCELLED, AppointmentStatus.LATE_CANCELLED)
    assert occupied == {row.id: (row.starts_at, row.ends_at) for row in rows if row.status not in cancelled}
    return rows


def starts(found: Sequence[Appointment | AppointmentFacts]) -> list[datetime]:
    return [one.starts_at for one in found]


# ---------------------------------------------------------------- once


async def test_cancelled_from_one_on_once(story: Story, series: SeriesActivities) -> None:
    practice = story.practice
    booked = await practice.booked(story.client, weeks=6)
    practice.clock.instant = booked[2].starts_at - 3 * HOUR
    order = cancel(story.client, booked[2], requested_by_client=True, reason="moves away")
    first, second = await story.twice(lambda: series.cancel_following(order))
    assert first == second
    assert [one.id for one in first.appointments] == [one.id for one in booked[2:]]
    assert (first.changed, first.moves) == (True, {})
    late, *others = first.appointments
    assert (late.status, late.payment.amount) == (AppointmentStatus.LATE_CANCELLED, FEE)
    assert {(one.status, one.payment) for one in others} == {(AppointmentStatus.CANCELLED, None)}
    stand = [row for row in await appointments(practice) if row.status is AppointmentStatus.SCHEDULED]
    assert [str(row.id) for row in stand] == [one.id for one in booked[:2]]
    other = await series.cancel_following(replace(order, request_id=str(uuid4())))
    assert other.refusal is not None
    assert other.refusal.name is Problem.APPOINTMENT_NOT_OPEN


async def test_moved_onto_its_own_dates_once(story: Story, series: SeriesActivities) -> None:
    """Each takes the time of the next; a clock change lies between."""
    practice = story.practice
    booked = await practice.booked(story.client, weeks=4)
    order = move(story.client, booked[0], booked[1].starts_at)
    first, second = await story.twice(lambda: series.reschedule_following(order))
    assert first == second
    assert starts(first.appointments) == [*starts(booked[1:]), booked[3].starts_at + WEEK]
    assert [one.id for one in first.appointments] == [one.id for one in booked]
    assert first.moves == {one.id: one.starts_at for one in booked}
    rows = await appointments(practice)
    assert starts(rows) == starts(first.appointments)
    assert {row.sequence for row in rows} == {1}
    assert {row.ends_at - row.starts_at for row in rows} == {timedelta(minutes=50)}


async def test_killed_at_every_commit_it_still_happens_once(story: Story, series: SeriesActivities) -> None:
    booked = await story.practice.booked(story.client, weeks=4)
    later = move(story.client, booked[1], booked[1].starts_at + HOUR)
    await story.killed_at_every_commit(lambda: series.reschedule_following(later))
    assert {row.sequence for row in await appointments(story.practice)} == {0, 1}
    gone = cancel(story.client, booked[2])
    await story.killed_at_every_commit(lambda: series.cancel_following(gone))
    kinds = await story.practice.facts(story.client)
    assert (kinds.count("appointment_rescheduled"), kinds.count("appointment_cancelled")) == (3, 2)


async def test_a_lost_answer_is_given_again_whatever_happened_since(story: Story, series: SeriesActivities) -> None:
    """The step is run again after somebody else has changed, or cancelled, what it had moved."""
    practice = story.practice
    booked = await practice.booked(story.client, weeks=3)
    order = move(story.client, booked[0], booked[0].starts_at + HOUR)
    practice.points.reset(2)
    with pytest.raises(Death):
        await series.reschedule_following(order)
    practice.points.reset()
    single = CancelOrder(request_id=str(uuid4()), appointment_id=booked[0].id, by=DESK)
    assert (await practice.appointments.cancel_appointment(single)).refusal is None
    before = await story.rows()
    again = await series.reschedule_following(order)
    assert await story.rows() == before
    assert again.refusal is None
    assert again.changed
    assert {one.id for one in again.appointments} == {one.id for one in booked}
    assert again.moves == {one.id: one.starts_at for one in booked}


# ---------------------------------------------------------------- not at all


async def test_what_is_only_asked_for_or_refused_changes_nothing(story: Story, series: SeriesActivities) -> None:
    practice = story.practice
    await practice.therapist("ben")
    otto = await practice.client(name="Otto")
    booked = await practice.booked(story.client, weeks=4)
    [in_the_way] = await practice.booked(otto, booked[3].starts_at + HOUR + timedelta(minutes=20))
    before = await story.rows()

    asked = move(story.client, booked[0], booked[1].starts_at, confirm=False)
    would = await series.reschedule_following(asked)
    assert (would.refusal, would.changed, would.journey) == (None, False, None)
    assert would.moves == {
        one.id: to for one, to in zip(booked, [*starts(booked[1:]), booked[3].starts_at + WEEK], strict=True)
    }
    assert await story.rows() == before

    for confirm in (True, False):
        onto = move(story.client, booked[1], booked[1].starts_at + HOUR, confirm=confirm)
        refused = await series.reschedule_following(onto)
        assert refused.refusal is not None
        assert refused.refusal.name is Problem.SERIES_CONFLICT
        [conflict] = refused.refusal.data["conflicts"]
        assert (conflict["week"], conflict["starts_at"]) == (3, (booked[3].starts_at + HOUR).isoformat())
        assert refused.moves == {}

    practice.clock.instant = booked[2].starts_at - timedelta(hours=47)
    before = await story.rows()
    changes: list[Awaitable[Any]] = [
        series.cancel_following(cancel(story.client, booked[2], by=PORTAL)),
        series.reschedule_following(move(story.client, booked[2], MONDAY + 9 * WEEK, by=PORTAL)),
        series.cancel_following(cancel(otto, booked[0])),
        series.reschedule_following(move(otto, booked[0], MONDAY + 9 * WEEK)),
        series.cancel_following(cancel(story.client, booked[2], waive_fee=True)),
        series.cancel_following(cancel(story.client, replace(in_the_way, id=str(uuid4())))),
    ]
    names = [(await change).refusal.name for change in changes]
    assert names == [
        Problem.LATE_CHANGE,
        Problem.LATE_CHANGE,
        Problem.NOT_FOUND,
        Problem.NOT_FOUND,
        Problem.VALIDATION_FAILED,
        Problem.NOT_FOUND,
    ]
    assert await story.rows() == before


async def test_one_without_a_series_is_a_series_of_one(story: Story, series: SeriesActivities) -> None:
    [alone] = await story.practice.booked(story.client)
    [other] = await story.practice.booked(story.client, MONDAY + WEEK)
    moved = await series.reschedule_following(move(story.client, alone, MONDAY + HOUR))
    assert starts(moved.appointments) == [MONDAY + HOUR]
    gone = await series.cancel_following(cancel(story.client, alone))
    assert [one.id for one in gone.appointments] == [alone.id]
    assert [row.status for row in await appointments(story.practice) if str(row.id) == other.id] == ["scheduled"]


# ---------------------------------------------------------------- which, where, how long


async def test_those_held_begun_or_cancelled_stay_and_one_moved_by_itself_comes_back(
    story: Story, series: SeriesActivities
) -> None:
    practice = story.practice
    booked = await practice.booked(story.client, weeks=6)
    practice.clock.instant = booked[1].starts_at  # the first is not marked; the second begins now
    alone = RescheduleOrder(
        request_id=str(uuid4()), appointment_id=booked[4].id, by=DESK, starts_at=booked[4].starts_at + 50 * HOUR
    )
    assert (await practice.appointments.reschedule_appointment(alone)).refusal is None
    off = CancelOrder(request_id=str(uuid4()), appointment_id=booked[3].id, by=DESK)
    assert (await practice.appointments.cancel_appointment(off)).refusal is None

    order = move(story.client, booked[0], booked[1].starts_at + 24 * HOUR)  # a past one: the practice's to move
    moved = await series.reschedule_following(order)
    assert [one.id for one in moved.appointments] == [booked[week].id for week in (0, 2, 4, 5)]
    assert starts(moved.appointments) == [order.starts_at + week * WEEK for week in (0, 2, 4, 5)]
    stay = {str(row.id): row.starts_at for row in await appointments(practice)}
    assert (stay[booked[1].id], stay[booked[3].id]) == (booked[1].starts_at, booked[3].starts_at)


async def test_each_keeps_its_length_and_what_is_offered_instead_is_as_long(
    story: Story, series: SeriesActivities
) -> None:
    practice = story.practice
    booked = await practice.booked(story.client, weeks=3)
    otto = await practice.client(name="Otto")
    async with practice.sessions() as session:
        ana = (await session.exec(select(Therapist))).one()
        both = ["intro_call", "session"]
        # A window of an hour a day: two short sessions begin in it nowadays, but only one of the old length.
        session.add_all(
            WeeklyHours(therapist_id=ana.id, weekday=day, opens=600, closes=660, types=both)
            for day in ("mon", "tue", "wed")
        )
        session.add(
            AppointmentSettings(
                therapist_id=ana.id,
                type=AppointmentType.SESSION,
                duration=20,
                step=30,
                buffer_before=0,
                buffer_after=0,
                minimum_notice=0,
                horizon_days=60,
            )
        )
        await session.commit()
    moved = await series.reschedule_following(
        move(story.client, booked[0], booked[0].starts_at + timedelta(minutes=10), by=PORTAL, confirm=False)
    )
    assert moved.refusal is not None  # off the grid, and it would end after the hours do
    tuesday = booked[0].starts_at + 24 * HOUR
    [taken] = await practice.booked(otto, tuesday + WEEK - HOUR)  # summer time by then
    order = move(story.client, booked[0], tuesday, by=PORTAL)
    refused = await series.reschedule_following(order)
    assert refused.refusal is not None
    [conflict] = refused.refusal.data["conflicts"]
    offered = [
        (datetime.fromisoformat(slot["starts_at"]), datetime.fromisoformat(slot["ends_at"]))
        for slot in conflict["alternatives"]
    ]
    assert offered
    assert {ends - begins for begins, ends in offered} == {timedelta(minutes=50)}
    assert {begins.minute for begins, _ in offered} == {0}

    off = CancelOrder(request_id=str(uuid4()), appointment_id=taken.id, by=DESK)
    assert (await practice.appointments.cancel_appointment(off)).refusal is None
    assert (await series.reschedule_following(order)).refusal is None
    rows = [row for row in await appointments(practice) if str(row.client_id) == story.client]
    assert {row.ends_at - row.starts_at for row in rows} == {timedelta(minutes=50)}


async def test_a_year_of_weeks_is_changed_quickly(story: Story, series: SeriesActivities) -> None:
    """The therapist's calendar is locked meanwhile: everybody else waits for so long."""
    booked = await story.practice.booked(story.client, weeks=52)
    began = monotonic()
    moved = await series.reschedule_following(move(story.client, booked[0], booked[1].starts_at))
    gone = await series.cancel_following(cancel(story.client, booked[0]))
    took = monotonic() - began
    assert (len(moved.appointments), len(gone.appointments)) == (52, 52)
    assert took < 10


# ---------------------------------------------------------------- a new link


async def test_a_new_link_is_taken_over_once_and_only_where_it_is_needed(
    story: Story, series: SeriesActivities
) -> None:
    practice = story.practice
    old, new = "https://zoom.example/j/old", "https://zoom.example/j/new"

    async def link_is(link: str) -> None:
        async with practice.sessions() as session:
            ana = (await session.exec(select(Therapist))).one()
            ana.zoom_link = link
            session.add(ana)
            await session.commit()

    await link_is(old)
    order = replace(practice.booking_order(story.client, weeks=4), mode=Mode.ZOOM)
    booked = (await practice.booking.book(order)).appointments
    await practice.booking.book(replace(practice.booking_order(story.client, MONDAY + HOUR), mode=Mode.VIDEO))
    off = CancelOrder(request_id=str(uuid4()), appointment_id=booked[2].id, by=DESK)
    await practice.appointments.cancel_appointment(off)
    practice.clock.instant = booked[0].starts_at

    news = LinksOrder(request_id=str(uuid4()), client_id=story.client, therapist="ana", by="care_team:desk")
    stands = await story.rows()
    await series.refresh_links(news)  # it has not changed
    assert await story.rows() == stands
    await link_is(new)
    first, second = await story.twice(lambda: series.refresh_links(news))
    assert first == second
    async with practice.sessions() as session:
        told = (
            await session.exec(select(OutboxItem).where(col(OutboxItem.template) == Mail.APPOINTMENT_UPDATED))
        ).all()
    assert {tuple(mail.order["appointment_ids"]) for mail in told} == {(booked[1].id, booked[3].id)}
    rows = {str(row.id): row for row in await appointments(practice)}
    ahead, others = (booked[1].id, booked[3].id), (booked[0].id, booked[2].id)
    assert {(rows[id].join_url, rows[id].sequence) for id in ahead} == {(new, 1)}
    assert {rows[id].join_url for id in others} == {old}
    assert [row.join_url for row in rows.values() if row.mode is Mode.VIDEO] != [new]
    stands = await story.rows()
    await series.refresh_links(replace(news, request_id=str(uuid4()), therapist="nobody"))
    assert await story.rows() == stands


# ---------------------------------------------------------------- at once


async def test_everybody_at_once_ends_in_order(practice: Practice, series: SeriesActivities) -> None:
    """Whole series, single appointments, outcomes and archives, in twenty random orders: nobody waits in a circle."""
    dice = random.Random(20)  # noqa: S311
    clock = practice.clock.instant
    for number in range(20):
        practice.clock.instant = clock
        base = MONDAY + timedelta(weeks=8 * number)  # each round has weeks of its own
        sara = await practice.client(name=f"Sara{number}")
        otto = await practice.client(name=f"Otto{number}")
        booked = await practice.booked(sara, base, weeks=5)
        theirs = await practice.booked(otto, base + HOUR, weeks=5)
        practice.clock.instant = booked[0].ends_at  # the first can be marked
        ops = everything(practice, series, sara, booked) + everything(practice, series, otto, theirs)
        chosen = dice.sample(ops, k=6)

        async def soon(step: Callable[[], Awaitable[Any]], wait: float) -> Any:
            await asyncio.sleep(wait)
            return await step()

        waits = [dice.random() / 50 for _ in chosen]
        answers = await asyncio.wait_for(asyncio.gather(*map(soon, chosen, waits)), 30)
        assert any(getattr(answer, "refusal", None) is None for answer in answers)
        stand = {str(row.id): row.status for row in await appointments(practice)}
        for answer in answers:
            if isinstance(answer, FollowingChanged) and answer.changed and not answer.moves:
                fates = [stand[one.id] for one in answer.appointments]
                assert set(fates) <= {AppointmentStatus.CANCELLED, AppointmentStatus.LATE_CANCELLED}
        for client in (sara, otto):
            await practice.facts(client)  # and its chain holds


def everything(
    practice: Practice, series: SeriesActivities, client: str, booked: Sequence[AppointmentFacts]
) -> list[Callable[[], Awaitable[Any]]]:
    """What may be asked about one series at the same moment."""
    one: dict[str, Any] = {"by": DESK, "appointment_id": booked[3].id}

    def fresh() -> str:
        return str(uuid4())

    return [
        lambda: series.cancel_following(cancel(client, booked[2])),
        lambda: series.cancel_following(cancel(client, booked[0], requested_by_client=True)),
        lambda: series.reschedule_following(move(client, booked[1], booked[2].starts_at)),
        lambda: series.reschedule_following(move(client, booked[1], booked[1].starts_at + HOUR)),
        lambda: series.reschedule_following(move(client, booked[4], booked[4].starts_at - HOUR)),
        lambda: practice.appointments.cancel_appointment(CancelOrder(request_id=fresh(), **one)),
        lambda: practice.appointments.reschedule_appointment(
            RescheduleOrder(request_id=fresh(), starts_at=booked[3].starts_at + 3 * HOUR, **one)
        ),
        lambda: practice.appointments.record_outcome(
            OutcomeOrder(request_id=fresh(), by=DESK, appointment_id=booked[0].id, outcome=Outcome.NO_SHOW)
        ),
        lambda: practice.archive.archive_client(
            ArchiveOrder(client_id=client, request_id=fresh(), by="care_team:desk")
        ),
    ]
