"""What mails say and whether they are still sent, from what the database knows: offers, and several appointments."""

from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest

from activities.ports import OutgoingMail
from activities.types.booking import CancelOrder
from activities.types.facts import AppointmentFacts
from models.tables.booking.appointment import Appointment
from models.tables.booking.therapist import Therapist
from models.tables.booking.waitlist import WaitlistOfferRecord, WaitlistPlace
from models.tables.clients.client import Client
from models.tables.money.payment import Payment
from rules.enums import AppointmentType, ClientStatus, Mode, OfferEnd, PaymentStatus
from rules.mail.orders import MailOrder
from tests.activities.mail.sending import send
from tests.care.practice import DESK, MONDAY, Practice

WEEK = timedelta(weeks=1)
NEW_LINK = "https://zoom.example/j/new"


async def told(practice: Practice, order: MailOrder) -> OutgoingMail:
    assert await send(practice, order) == "sent"
    return practice.post.sent[-1]


# ------------------------------------------------------------ a time from the waitlist


class Offers:
    """Sara's place in line, and what it is offered; the newest offer runs out in two hours."""

    def __init__(self, practice: Practice, client: str, place: UUID) -> None:
        self.practice, self.client, self.place = practice, client, place

    @classmethod
    async def begin(cls, practice: Practice) -> "Offers":
        client, place = await practice.client(), uuid4()
        async with practice.sessions() as session:
            therapist_id = (await session.get_one(Client, UUID(client))).therapist_id
            assert therapist_id is not None
            session.add(
                WaitlistPlace(
                    id=place,
                    client_id=UUID(client),
                    therapist_id=therapist_id,
                    type=AppointmentType.SESSION,
                    wished_from=MONDAY,
                    wished_until=MONDAY + 4 * WEEK,
                    joined_at=practice.clock.instant,
                    joined_by="desk",
                )
            )
            await session.commit()
        return cls(practice, client, place)

    async def make(self, starts_at: datetime = MONDAY, *, closed: OfferEnd | None = None) -> MailOrder:
        now, id = self.practice.clock.instant, uuid4()
        async with self.practice.sessions() as session:
            session.add(
                WaitlistOfferRecord(
                    id=id,
                    place_id=self.place,
                    starts_at=starts_at,
                    ends_at=starts_at + timedelta(minutes=50),
                    made_at=now,
                    expires_at=now + timedelta(hours=2),
                    closed_at=now if closed else None,
                    closed_because=closed,
                )
            )
            await session.commit()
        return MailOrder(
            key=f"slot_offered:{id}",
            template="slot_offered",
            client_id=self.client,
            therapist="ana",
            offer_id=str(id),
            vital=True,
        )


async def test_an_offered_time_is_told_with_a_link_that_presents_its_hold(practice: Practice) -> None:
    offers = await Offers.begin(practice)
    order = await offers.make()
    mail = await told(practice, order)
    assert mail.to == "sara@example.com"
    assert "Monday 2 March 2026, 10:00 (New York time, EST)" in mail.subject
    assert "It is held for you until Monday 23 February 2026, 12:00 (New York time, EST)." in mail.text
    assert "with Ana:" in mail.text
    assert "you keep your place" in mail.text
    [link] = [line for line in mail.text.splitlines() if line.startswith("http")]
    page = urlsplit(link)
    assert (page.netloc, page.path) == ("portal.example", "/book/ana")
    assert parse_qs(page.query) == {
        "type": ["session"],
        "starts_at": ["2026-03-02T15:00:00Z"],
        "hold_id": [str(order.offer_id)],
    }
    assert mail.attachments == ()


@pytest.mark.parametrize(("ran_out", "withdrawn", "last"), [(0, 2, False), (1, 1, False), (2, 0, True)])
async def test_the_last_offer_before_a_place_is_given_up_says_so(
    practice: Practice, ran_out: int, withdrawn: int, last: bool
) -> None:
    offers = await Offers.begin(practice)
    for how in (*[OfferEnd.RAN_OUT] * ran_out, *[OfferEnd.WITHDRAWN] * withdrawn):
        await offers.make(MONDAY + timedelta(days=1), closed=how)
    mail = await told(practice, await offers.make())
    for body in (mail.text, mail.html):
        assert ("your place in line then ends" in body) == last
        assert ("you keep your place" in body) != last


@pytest.mark.parametrize("how", OfferEnd)
async def test_an_offer_that_is_closed_is_not_told_of(practice: Practice, how: OfferEnd) -> None:
    order = await (await Offers.begin(practice)).make(closed=how)
    assert await send(practice, order) == "not_wanted"
    assert practice.post.sent == []


@pytest.mark.parametrize(("later", "status"), [(7199, "sent"), (7200, "not_wanted")])
async def test_an_offer_is_told_of_until_it_runs_out(practice: Practice, later: int, status: str) -> None:
    order = await (await Offers.begin(practice)).make()
    practice.clock.instant += timedelta(seconds=later)
    assert await send(practice, order) == status


async def test_an_offer_is_told_to_nobody_but_whose_it_is(practice: Practice) -> None:
    order = await (await Offers.begin(practice)).make()
    other = await practice.client(name="Tom")
    for wrong in (
        replace(order, key="1", client_id=other),
        replace(order, key="2", offer_id=str(uuid4())),
        replace(order, key="3", offer_id=None),
    ):
        assert await send(practice, wrong) == "not_wanted"
    assert practice.post.sent == []


@pytest.mark.parametrize(("asked_for", "status"), [(True, "sent"), (False, "not_wanted")])
async def test_an_archived_client_hears_only_of_what_they_asked_for(
    practice: Practice, asked_for: bool, status: str
) -> None:
    order = await (await Offers.begin(practice)).make()
    await change_client(practice, order.client_id, archived=True)
    assert await send(practice, replace(order, asked_for=asked_for)) == status


async def test_who_joined_the_waitlist_is_told_even_if_unsubscribed(practice: Practice) -> None:  # S66
    order = await (await Offers.begin(practice)).make()
    await change_client(practice, order.client_id, unsubscribed=True)
    mail = await told(practice, order)
    assert "rather not get reminders" not in mail.text


async def change_client(practice: Practice, client: str, *, archived: bool = False, unsubscribed: bool = False) -> None:
    async with practice.sessions() as session:
        row = await session.get_one(Client, UUID(client))
        row.status = ClientStatus.ARCHIVED if archived else ClientStatus.ACTIVE
        row.unsubscribed = unsubscribed
        session.add(row)
        await session.commit()


# ------------------------------------------------------------ several appointments at once


def about(series: list[AppointmentFacts], template: str, *, to: str = "client", text: str = "") -> MailOrder:
    return MailOrder(
        key=f"{template}:{to}",
        template=template,
        client_id=series[0].client_id,
        to=to,
        appointment_ids=tuple(facts.id for facts in reversed(series)),  # in any order
        vital=True,
        text=text,
    )


async def cancel(practice: Practice, facts: AppointmentFacts, *, waived: bool = False) -> str | None:
    """Cancelled as the client asked; answers the payment's id."""
    done = await practice.appointments.cancel_appointment(
        CancelOrder(
            request_id=str(uuid4()),
            appointment_id=facts.id,
            by=DESK,
            requested_by_client=True,
            waive_fee=waived,
            waive_reason="ill" if waived else None,
        ),
    )
    assert done.appointment is not None
    return done.appointment.payment.id if done.appointment.payment else None


async def set_links(practice: Practice, series: list[AppointmentFacts]) -> None:
    """As the step does that follows a changed link."""
    async with practice.sessions() as session:
        for facts in series:
            row = await session.get_one(Appointment, UUID(facts.id))
            row.mode, row.join_url, row.sequence = Mode.ZOOM, NEW_LINK, row.sequence + 1
            session.add(row)
        await session.commit()


async def test_a_new_link_is_told_for_what_is_still_ahead(practice: Practice) -> None:  # S18
    sara = await practice.client()
    series = await practice.booked(sara, weeks=3)
    await set_links(practice, series)
    await cancel(practice, series[1])
    mail = await told(practice, about(series, "appointment_updated"))
    assert mail.subject == "How to join 2 of your appointments has changed"
    for body in (mail.text, mail.html):
        assert body.index("2 March 2026") < body.index("16 March 2026")
        assert "9 March 2026" not in body
        assert NEW_LINK in body
    assert mail.text.count(NEW_LINK) == 2
    files = [file.content.replace(b"\r\n ", b"").decode() for file in mail.attachments]
    assert len(files) == len({file.filename for file in mail.attachments}) == 2
    for file, facts in zip(files, (series[0], series[2]), strict=True):
        assert "METHOD:REQUEST" in file
        assert "SEQUENCE:1" in file
        assert f"UID:{facts.id}" in file
        assert NEW_LINK in file
    for facts in (series[0], series[2]):
        await cancel(practice, facts)
    late = replace(about(series, "appointment_updated"), key="later")
    assert await send(practice, late) == "not_wanted"


@pytest.mark.parametrize("waived", [False, True])
async def test_a_series_cancelled_late_says_which_costs_the_fee(practice: Practice, waived: bool) -> None:  # S28
    sara = await practice.client()
    series = await practice.booked(sara, weeks=3)
    practice.clock.instant = MONDAY - timedelta(hours=20)
    payments = [await cancel(practice, facts, waived=waived and k == 0) for k, facts in enumerate(series)]
    assert [payment is not None for payment in payments] == [True, False, False]
    first = "Monday 2 March 2026, 10:00 (New York time, EST)"
    order = replace(about(series, "appointment_cancelled"), payment_id=payments[0])
    mail = await told(practice, order)
    for body in (mail.text, mail.html):
        of_the_first = body.split(first)[1].split("9 March 2026")[0]
        assert ("A late cancellation fee of 120.00 USD is due." in of_the_first) != waived
        assert ("There is nothing to pay for the others." in body) != waived
        assert ("There is nothing to pay for them." in body) == waived
    assert [file.filename for file in mail.attachments] == ["cancel-1.ics", "cancel-2.ics", "cancel-3.ics"]
    for file, facts in zip(mail.attachments, series, strict=True):
        assert b"METHOD:CANCEL" in file.content
        assert f"UID:{facts.id}".encode() in file.content
    mail = await told(practice, about(series, "appointment_changed", to="therapist", text="cancelled"))
    assert mail.to == "ana@practice.example"
    assert mail.subject == "Cancelled: 3 appointments from Monday 2 March 2026"
    assert ("Cancelled late: 120.00 USD is due." in mail.text.split(first)[1].split("9 March 2026")[0]) != waived
    assert len(mail.attachments) == 3


async def test_two_late_ones_cost_two_fees_whichever_payment_is_named(practice: Practice) -> None:  # S28
    sara = await practice.client()
    both = [*await practice.booked(sara), *await practice.booked(sara, MONDAY + timedelta(hours=4))]
    practice.clock.instant = MONDAY - timedelta(hours=20)
    payments = [await cancel(practice, facts) for facts in both]
    async with practice.sessions() as session:
        dearer = await session.get_one(Payment, UUID(str(payments[1])))
        dearer.amount, dearer.status = 15000, PaymentStatus.PAID
        session.add(dearer)
        await session.commit()
    mail = await told(practice, replace(about(both, "appointment_cancelled"), payment_id=payments[0]))
    for time, fee in (("10:00", "120.00"), ("14:00", "150.00")):
        of_this = mail.text.split(f"Monday 2 March 2026, {time}")[1].split("*")[0]
        assert f"A late cancellation fee of {fee} USD is due." in of_this
    assert "nothing to pay" not in mail.text


async def test_moved_together_each_shows_its_old_time_and_a_cancelled_one_none(practice: Practice) -> None:
    sara = await practice.client()
    series = await practice.booked(sara, weeks=3)
    async with practice.sessions() as session:
        for facts in series:
            row = await session.get_one(Appointment, UUID(facts.id))
            row.starts_at, row.ends_at = row.starts_at + timedelta(days=1), row.ends_at + timedelta(days=1)
            row.sequence += 1
            session.add(row)
        client = await session.get_one(Client, UUID(sara))
        therapist = await session.get_one(Therapist, client.therapist_id)
        therapist.time_zone = "Europe/London"
        session.add(therapist)
        await session.commit()
    await cancel(practice, series[1])
    moves = {facts.id: facts.starts_at for facts in series}
    mail = await told(practice, replace(about(series, "appointment_rescheduled"), moves=moves))
    assert mail.subject == "2 of your appointments have moved; the first is now on Tuesday 3 March 2026"
    news = replace(about(series, "appointment_changed", to="therapist", text="moved"), moves=moves, by_client=True)
    changed = await told(practice, news)
    assert changed.subject == "Moved: 2 appointments, now from Tuesday 3 March 2026"
    assert "2 appointments moved by the client, with Sara Lind:" in changed.text
    # The clocks of New York had changed by the third week, those of London had not.
    for text, time, third, zone in (
        (mail.text, "10:00", "10:00", "New York time, E"),
        (changed.text, "15:00", "14:00", "London time, GMT"),
    ):
        for moment, earlier, at in (("3", "2", time), ("17", "16", third)):
            assert f"* Tuesday {moment} March 2026, {at} ({zone}" in text
            assert f"Before: Monday {earlier} March 2026, {at} ({zone}" in text
        assert "10 March" not in text
        assert "9 March" not in text
    assert [file.filename for file in changed.attachments] == ["invite-1.ics", "invite-2.ics"]
    for facts in (series[0], series[2]):
        await cancel(practice, facts)
    for order in (replace(about(series, "appointment_rescheduled"), key="k1", moves=moves), replace(news, key="k2")):
        assert await send(practice, order) == "not_wanted"


async def test_a_year_of_weeks_cancelled_is_one_mail(practice: Practice) -> None:
    sara = await practice.client()
    series = await practice.booked(sara, weeks=52)
    for facts in series:
        await cancel(practice, facts)
    mail = await told(practice, about(series, "appointment_cancelled"))
    assert "These 52 appointments with Ana are cancelled" in mail.text
    assert mail.text.count("* Monday ") == 52
    assert len({file.filename for file in mail.attachments}) == 52
