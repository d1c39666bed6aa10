"""A card that stops working is told of a month ahead, once, to whoever still needs it."""

from datetime import datetime, timedelta

from rules.money.cards import SavedCard
from tests.care.story import Care, Person
from tests.workflows.test_what_staff_see import details

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


async def notices(person: Person) -> int:
    return len(await person.care.mails(to=person.email, template="card_expiring"))


async def mail_steps(person: Person) -> int:
    """How often the journey has tried to send a mail."""
    events = (await person.journey.fetch_history()).events
    scheduled = [event.activity_task_scheduled_event_attributes.activity_type.name for event in events]
    return scheduled.count("send_mail")


async def runs_out(person: Person, on: datetime) -> datetime:
    """The bank changes the newest card's last month to that of ``on``. When it no longer works."""
    card = (await person.cards_at_stripe())[-1]
    months = {"exp_month": on.month, "exp_year": on.year}
    await person.care.at_stripe.ask("POST", f"_payment_methods/{card}", months)
    await person.care.rest()
    assert (await person.look())["card"]["exp_month"] == on.month
    return SavedCard(id=card, exp_year=on.year, exp_month=on.month).stops_working_at


async def test_a_card_that_runs_out_is_told_of_a_month_ahead_and_each_card_once(care: Care) -> None:
    sara = await care.client_in_care()
    await sara.session(1).occurs()
    await sara.books("session", await care.now() + timedelta(days=200), by="desk")
    over = await runs_out(sara, await care.now() + timedelta(days=75))
    noticed = over - timedelta(days=30)
    await care.until(noticed - MINUTE)
    assert await notices(sara) == 0
    assert "mail that the saved card stops working" in await details(sara.journey)
    await care.until(noticed + MINUTE)
    assert await notices(sara) == 1
    [mail] = await care.mails(to=sara.email, template="card_expiring")
    assert "http://portal.example/card" in mail["text"]
    steps = await mail_steps(sara)
    await care.call("PATCH", f"/v1/clients/{sara.id}", {"state": "NJ"}, by="desk", expect=200)  # facts that change
    await care.pass_time(days=3)
    assert (await notices(sara), await mail_steps(sara)) == (1, steps)

    # The next card is no better: told at once, and once.
    await sara.gives_card("pm_card_mastercard")
    await care.rest()
    assert await notices(sara) == 1
    await runs_out(sara, over - DAY)
    assert await notices(sara) == 2
    await sara.gives_card()
    await care.until(over + 10 * DAY)
    assert await notices(sara) == 2

    # One that runs out while its owner is archived: told when something is booked again, although it is late.
    over = await runs_out(sara, await care.now() + timedelta(days=40))
    await sara.is_archived()
    await care.until(over + DAY)
    await sara.is_unarchived()
    await care.rest()
    assert await notices(sara) == 2  # nothing is booked, and nothing to pay
    await sara.books("session", by="desk")
    await care.rest()
    assert await notices(sara) == 3
    assert "was valid until" in (await care.mails(to=sara.email, template="card_expiring"))[-1]["text"]
    await care.pass_time(days=2)
    assert await notices(sara) == 3
