"""A busy client, and every message that can be sent to one: a handler is not seen by what it does for a client at rest.

All that can be under way at once is under way: a place on the waitlist, a series ahead, credit, debts, a form that was
asked for, a goal with a reminder, and a mail that was put off. The clock stands still meanwhile, so that all of it
stays; what a message takes away is put back before the next.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

from sqlmodel import col, select

from models.tables.mail.outbox import OutboxItem, OutboxStatus
from models.writes.keeping.settings import Look, note_settings
from rules.mail.kinds import Mail
from tests.care.defaults import Json, details
from tests.care.story import Booked, Care, Person
from tests.journeys.booking.test_links import NEW, OLD, link_is
from tests.journeys.booking.test_series import path as to_change
from tests.journeys.booking.test_series import to as to_all_from
from tests.journeys.booking.waitlists.waitlist import leaves, waits_for
from tests.journeys.care.test_chats import starts, writes
from tests.journeys.care.test_goals import NEW_YORK, changed, sets_goal, weekly
from tests.journeys.clients.test_joining import comes_again
from tests.journeys.forms.test_new_versions import published
from tests.journeys.forms.test_requested_forms import DIARY, GOOD, asked_for
from tests.journeys.money.amounts import granted, let_go, payment_of, refunded, retried
from tests.replay.money_stories import DAY_AFTER, TWO_DAYS_AFTER, resolves
from workflows.messages import SETTINGS_CHANGED, UNARCHIVE

_WAITING = "SELECT count(*) FROM outbox WHERE status = 'waiting' AND client_id = :client"


@dataclass
class Busy:
    """Sara, and what is under way for her."""

    person: Person
    chat: Json

    async def again(self) -> None:
        """What a message took away is put back; then all of it is there."""
        sara, care = self.person, self.person.care
        await care.rest()
        now = await care.now()
        if not await sara.places():
            await waits_for(sara, now + timedelta(days=20), days=7)
        if len(await self.ahead()) < 2:
            await sara.books("session", by="desk", mode="zoom", weeks=3, after=timedelta(days=9))
        if not [
            goal for goal in await care.items(f"/v1/clients/{sara.id}/goals", by="ana") if goal["status"] == "open"
        ]:
            await sets_goal(sara, weekly(now + timedelta(days=1), NEW_YORK))
        if (await sara.balance())["credit"] == 0:
            await granted(sara, 3000)
        forms = await care.items(f"/v1/clients/{sara.id}/forms", by="ana")
        if not [form for form in forms if form["kind"] == "mood_diary" and form["status"] == "requested"]:
            await asked_for(sara)
        for _ in range(3):  # of the second message a mail is due in an hour
            if not await self.mail_is_put_off():
                await writes(care, "ana", self.chat)
                await care.rest()
        balance = await sara.balance()
        assert (balance["credit"] > 0, balance["owed"] > 0, await self.mail_is_put_off()) == (True, True, True), balance

    async def ahead(self) -> list[Booked]:
        """Of the series, soonest first."""
        care, now = self.person.care, await self.person.care.now()
        lines = await care.items("/v1/appointments", limit=200)
        own = [one for one in lines if (one["client_id"], one["status"]) == (self.person.id, "scheduled")]
        booked = [Booked(self.person, one) for one in own]
        return sorted((one for one in booked if one.starts_at > now), key=lambda one: one.starts_at)

    async def mail_is_put_off(self) -> bool:
        async with self.person.care.house.sessions() as session:
            waiting = await session.exec(
                select(OutboxItem.next_try_at).where(
                    col(OutboxItem.status) == OutboxStatus.WAITING,
                    col(OutboxItem.client_id) == UUID(self.person.id),
                    col(OutboxItem.template) == Mail.NEW_MESSAGE.value,
                )
            )
            return any(at is not None for at in waiting)


async def a_busy_client(care: Care) -> tuple[Person, ...]:
    """Every message that a journey and an appointment take, while all there is is under way."""
    await care.therapist("ana", zoom_link=OLD)
    await care.therapist("ben")
    await care.post("/v1/form-templates", DIARY, by="ana")
    await care.post("/v1/form-templates", {"title": "Feedback", "fields": DIARY["fields"]}, by="ana")
    sara = await care.arrives(name="Sara", client=details("Sara"))
    await sara.books("session", by="desk", mode="zoom", weeks=8)
    await sara.completes_forms()
    paid, owed, written_off, waived = sara.appointments[:4]
    await paid.occurs()
    await care.until(paid.ends_at + DAY_AFTER)
    await sara.bank_says("insufficient_funds")
    for session in (owed, written_off):
        await session.occurs()
        await care.until(session.ends_at + TWO_DAYS_AFTER)
    await waived.occurs()
    busy = Busy(sara, await starts(care, "ana", "direct", [sara]))
    await busy.again()
    await _account(care, sara)
    await busy.again()
    await _settings(care, sara, busy)
    await busy.again()
    await _details(care, sara, busy)
    await busy.again()
    await _care_between_sessions(care, sara, busy)
    await busy.again()
    await _bookings(care, sara, busy)
    await busy.again()
    await _outcomes(care, waived, busy)
    await busy.again()
    await _money(care, sara, busy, paid=paid, owed=owed, written_off=written_off, waived=waived)
    await busy.again()
    double = await comes_again(care, sara)
    await _has_much_to_hand_over(care, double)
    await resolves(care, "possible_duplicate")
    await busy.again()
    await care.post(f"/v1/clients/{double.id}/join", {"into": sara.id}, by="desk", expect=200)
    await busy.again()
    await sara.is_archived()
    await care.rest()
    await sara.journey.signal(UNARCHIVE, {"restore": True})
    await care.rest()
    return sara, double


async def _has_much_to_hand_over(care: Care, double: Person) -> None:
    chat = await starts(care, "ana", "direct", [double])
    for _ in range(2):
        await writes(care, "ana", chat)
        await care.rest()
    await sets_goal(double, weekly(await care.now() + timedelta(days=1), NEW_YORK))
    await asked_for(double)


async def _account(care: Care, sara: Person) -> None:
    await care.post(f"/v1/clients/{sara.id}/activation", by="desk", expect=202)
    await care.rest()
    await sara.activates()


async def _settings(care: Care, sara: Person, busy: Busy) -> None:
    """The card is told of at once, and the next reminders come earlier."""
    policy = care.house.policy
    sooner = replace(policy, card_expiry_notice=timedelta(days=3650), appointment_reminders=(timedelta(days=3),))
    for each in (policy, sooner):
        async with care.house.sessions() as session:
            look = Look(keeping_id=uuid4(), by="the recorder", policy=each)
            await note_settings(session, look, at=await care.now())
            await session.commit()
    for workflow in (sara.journey, *(session.workflow for session in await busy.ahead())):
        await workflow.signal(SETTINGS_CHANGED)


async def _details(care: Care, sara: Person, busy: Busy) -> None:
    await care.call("PATCH", f"/v1/clients/{sara.id}", {"phone": "+12125550177"}, by="desk", expect=200)
    await busy.again()
    for therapist in ("ben", "ana"):
        match = {"therapist": therapist, "reason": "evenings"}
        await care.call("PUT", f"/v1/clients/{sara.id}/match", match, by="desk", expect=200)
        await care.rest()


async def _care_between_sessions(care: Care, sara: Person, busy: Busy) -> None:
    goal = await sets_goal(sara, weekly(await care.now() + timedelta(days=2), NEW_YORK))
    await busy.again()
    await changed(sara, goal, status="completed", by="site")
    await busy.again()
    await care.post(f"/v1/clients/{sara.id}/forms", {"kind": "feedback"}, by="desk")
    await busy.again()
    await care.call("PUT", f"/v1/clients/{sara.id}/forms/mood_diary", GOOD, expect=200)
    await busy.again()
    await published(care)
    await busy.again()
    await writes(care, "ana", busy.chat)
    await busy.again()
    await link_is(care, NEW)


async def _bookings(care: Care, sara: Person, busy: Busy) -> None:
    await sara.books("session", by="desk", mode="zoom", after=timedelta(days=12))
    await busy.again()
    first, second, third, *_ = await busy.ahead()
    await first.moved(first.starts_at + timedelta(hours=1), by="desk")
    await busy.again()
    await care.post(to_change(second, "reschedule"), to_all_from(second.starts_at + timedelta(hours=2)), expect=200)
    await busy.again()
    await third.cancelled(by="desk")
    await busy.again()
    await leaves(sara, await waits_for(sara, await care.now() + timedelta(days=30), days=2))
    await busy.again()
    last = (await busy.ahead())[-2]
    await care.post(to_change(last, "cancel"), {"reason": "moves away", "scope": "following"}, expect=200)


async def _outcomes(care: Care, session: Booked, busy: Busy) -> None:
    await care.call("DELETE", f"/v1/appointments/{session.id}/outcome", by="desk", expect=200)
    await busy.again()
    await session.marked("occurred")


async def _money(
    care: Care, sara: Person, busy: Busy, *, paid: Booked, owed: Booked, written_off: Booked, waived: Booked
) -> None:
    await granted(sara, 100)
    await busy.again()
    asked = await care.post(
        f"/v1/clients/{sara.id}/credits",
        {"amount": 300000, "currency": "USD", "reason": "a gift"},
        by="desk",
        expect=202,
    )
    await busy.again()
    why = {"reason": "not so much"}
    await care.post(f"/v1/approvals/{asked['approval_id']}/refuse", why, by="office", expect=200)
    await busy.again()
    await refunded(care, (await payment_of(paid))["id"], 1000)
    await busy.again()
    await retried(care, (await payment_of(owed))["id"])
    await busy.again()
    await care.post(f"/v1/payments/{(await payment_of(owed))['id']}/confirmation", expect=200)
    await busy.again()
    await let_go(care, (await payment_of(written_off))["id"], "write-off")
    await busy.again()
    await let_go(care, (await payment_of(waived))["id"], "waive")
    await busy.again()
    await sara.gives_card("pm_card_chargeCustomerFail")
