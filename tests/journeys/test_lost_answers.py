"""A worker that dies between a commit and its answer: the step runs again, and everybody is told all the same."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.base import Activities
from activities.ports import MailerUnavailable, OutgoingMail
from tests.care.story import Care


@pytest.fixture
def lose_the_next_answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The next transaction that commits ends as if its worker had died right after."""
    losses: list[bool] = []
    real = Activities.transaction

    @asynccontextmanager
    async def transaction(self: Activities) -> AsyncIterator[AsyncSession]:
        async with real(self) as session:
            yield session
        if losses:
            losses.pop()
            message = "died after the commit"
            raise ConnectionError(message)

    monkeypatch.setattr(Activities, "transaction", transaction)
    return lambda: losses.append(True)


async def test_what_was_done_is_told_although_the_answer_was_lost(
    care: Care, lose_the_next_answer: Callable[[], None]
) -> None:
    sara = await care.client_in_care(sessions=3)
    first, second, third = sara.appointments
    before = await care.mail_counts()

    lose_the_next_answer()
    await first.cancelled(by="desk")
    await care.rest()
    lose_the_next_answer()
    await second.moved(await care.slot("ana", "session", number=3), by="desk")
    await care.rest()
    told = await care.mail_counts() - before
    assert told == {"appointment_cancelled": 1, "appointment_rescheduled": 1, "appointment_changed": 2}
    assert {a["id"] for a in (await sara.journey.query("journey"))["open_appointments"]} == {second.id, third.id}

    lose_the_next_answer()
    await sara.is_archived()
    await care.rest()
    told = await care.mail_counts() - before
    assert (told["appointment_cancelled"], told["appointment_changed"]) == (3, 4)
    for appointment in (second, third):
        await appointment.workflow.result()  # it was told, and has ended

    lose_the_next_answer()
    [back] = await sara.books("session")
    await care.rest()
    told = await care.mail_counts() - before
    assert (told["client_back"], told["booking_confirmation"]) == (1, 1)
    lose_the_next_answer()
    await back.occurs()
    await care.pass_time(days=2)
    assert await care.charges_at_stripe() == [12000]
    assert (await sara.journey.query("journey"))["open_appointments"] == []


async def test_a_changed_series_is_told_once_although_the_answer_was_lost(
    care: Care, lose_the_next_answer: Callable[[], None]
) -> None:
    await care.therapist(zoom_link="https://zoom.example/j/old")
    sara = await care.client_in_care(sessions=4)
    [zoom] = await sara.books("session", by="desk", mode="zoom", after=timedelta(days=5))
    await care.rest()
    first, second, third, fourth = series = sara.appointments[:4]
    before = await care.mail_counts()
    following = {"scope": "following"}

    lose_the_next_answer()
    later = following | {"starts_at": second.starts_at.isoformat()}
    moved = await care.post(f"/v1/appointments/{first.id}/reschedule", later, expect=200)
    assert [moved["id"], *(line["id"] for line in moved["following"])] == [one.id for one in series]
    await care.rest()
    assert await care.mail_counts() - before == {"appointment_rescheduled": 1, "appointment_changed": 1}
    for one in series:
        assert (await one.workflow.query("appointment"))["starts_at"] == (await one.look())["starts_at"]
    [mail] = await care.mails(to=sara.email, template="appointment_rescheduled")
    assert mail["text"].count("Before:") == 4

    lose_the_next_answer()
    gone = await care.post(f"/v1/appointments/{second.id}/cancel", following, expect=200)
    assert [gone["id"], *(line["id"] for line in gone["following"])] == [second.id, third.id, fourth.id]
    for one in (second, third, fourth):
        await one.workflow.result()
    await care.rest()
    lose_the_next_answer()
    link = {"zoom_link": "https://zoom.example/j/new"}
    await care.call("PATCH", "/v1/therapists/ana", link, by="ana", expect=200)
    await care.rest()
    told = await care.mail_counts() - before
    # The therapist is told of the move, of the cancelling, and of the new link for the one that is left.
    assert (told["appointment_cancelled"], told["appointment_changed"], told["appointment_updated"]) == (1, 3, 1)
    assert (await sara.facts()).count("links_changed") == 1
    open_ones = (await sara.journey.query("journey"))["open_appointments"]
    assert {line["id"] for line in open_ones} == {first.id, zoom.id}


async def test_a_waiver_after_the_mark_is_a_waiver_while_nothing_was_taken(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    first, second = sara.appointments
    await first.occurs()
    waiver: dict[str, Any] = {"waive_fee": True, "waive_reason": "ill"}
    answer = await first.marked("occurred", **waiver)
    assert answer["payment"]["status"] == "waived"
    assert (await first.marked("occurred", **waiver))["payment"]["status"] == "waived"
    await second.occurs()
    await care.pass_time(days=2)
    assert await care.charges_at_stripe() == [12000]
    await care.refused(
        "POST", f"/v1/appointments/{second.id}/outcome", {"outcome": "occurred", **waiver}, by="desk",
        name="appointment-not-open",
    )  # fmt: skip


async def test_a_confirmation_never_follows_the_cancellation(care: Care, monkeypatch: pytest.MonkeyPatch) -> None:
    """The confirmation waits while the mail service is away; what it would tell is no longer so."""
    mailer = care.house.dependencies.mailer
    send, away = mailer.send, True

    async def sometimes(mail: OutgoingMail) -> str:
        if away:
            raise MailerUnavailable("nobody answers", ambiguous=False)
        return await send(mail)

    monkeypatch.setattr(mailer, "send", sometimes)
    await care.therapist()
    sara = await care.arrives()
    [session] = await sara.books("session")
    await session.cancelled(by="desk")
    await care.pass_time(minutes=30)
    away = False
    await care.pass_time(hours=1)
    counts = await care.mail_counts()
    assert (counts["booking_confirmation"], counts["appointment_booked"]) == (0, 0)
    assert counts["appointment_cancelled"] == 1
