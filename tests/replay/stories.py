"""The stories whose histories are kept: between them every workflow, and every message that can be sent to one."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from activities.ports import MailerUnavailable
from ops.connected import Connected
from ops.reencrypt import reencrypt
from rules.enums import Role
from rules.policy import SHORTEST_HISTORY, Ceiling, JourneyPolicy
from tests.care.defaults import NO_LIMITS, Json
from tests.care.outside.elsewhere import CalendarFile
from tests.care.served import served
from tests.care.story import Booked, Care, Person
from tests.journeys.archive.bulk import archive_many, finished, workflow_of
from tests.journeys.archive.test_restore import restored
from tests.journeys.booking.test_links import NEW, OLD, link_is
from tests.journeys.booking.test_series import path as to_change
from tests.journeys.booking.test_series import to as to_all_from
from tests.journeys.booking.waitlists.waitlist import comes, declines, hour_of, leaves, opens, waits_for
from tests.journeys.care.test_chats import starts, writes
from tests.journeys.care.test_documents import share, upload
from tests.journeys.care.test_goals import NEW_YORK, changed, sets_goal, weekly
from tests.journeys.clients.test_joining import comes_again, join_links
from tests.journeys.forms.test_new_versions import published
from tests.journeys.forms.test_requested_forms import DIARY, GOOD, asked_for
from tests.journeys.mail.test_mail_events import tell
from tests.journeys.mail.test_unsubscribe import click
from tests.journeys.money.amounts import (
    payment_of,
    retried,
)
from tests.journeys.money.test_card_expiry import runs_out
from tests.replay.busy import a_busy_client
from tests.replay.money_stories import (
    DAY_AFTER,
    a_second_person,
    by_hand_and_declined,
    money_by_hand,
    money_run_after_run,
    owed_and_settled,
    resolves,
    taken_place,
    the_books_compared,
)
from workflows.messages import LOOK_AGAIN, PRACTICE_MAIL_ID, STOP, UNARCHIVE


async def from_the_form_to_a_charge(care: Care) -> Person:
    """A matching form, an intro call with reminders, activation, forms, a session, its charge; then the archive."""
    await care.therapist()
    sara = await care.arrives("matching_form")
    await sara.books("intro_call")
    await care.pass_time(hours=30)
    await sara.activates()
    await sara.completes_forms()
    await sara.appointments[0].occurs()
    await sara.books("session", weeks=2)
    await sara.session(2).occurs()
    await care.pass_time(hours=25)
    await sara.is_archived(reason="no answer")
    await care.rest()
    await sara.is_unarchived()
    await care.rest()
    return sara


async def run_after_run(care: Care) -> Person:
    """Continue-as-new of the journey and of an appointment, with timers and messages on the way."""
    await care.therapist()
    sara = await care.arrives(client={"first_name": "Sara", "email": "sara@example.com"})
    [session] = await sara.books("session", by="desk", after=timedelta(days=5))
    for hours in (2, 4, 6):
        await session.moved(session.starts_at + timedelta(hours=hours), by="desk")
        await care.pass_time(days=1)
    await sara.journey.signal("archive")
    await care.rest()
    await sara.journey.signal("unarchive")
    await care.rest()
    return sara


async def nobody(care: Care) -> Person:
    """An anonymous journey that nobody booked from, closed after a week."""
    await care.therapist()
    sara = await care.arrives()
    await care.pass_time(days=8)
    return sara


async def in_line(care: Care) -> Person:
    """A waitlist: offered at once, let pass, declined, booked; run after run, until nobody waits."""
    await opens(care)
    start = await hour_of(care, 3)
    anna, berta = await comes(care, "Anna"), await comes(care, "Berta")
    await waits_for(anna, start)
    await waits_for(berta, start)
    await care.pass_time(hours=3)
    await declines(berta)
    await waits_for(anna, start, days=3)
    await care.pass_time(hours=1)
    await anna.books("session", start + timedelta(days=1))
    [place] = await berta.places()
    await care.pass_time(hours=10)
    await leaves(berta, place)
    await care.rest()
    return anna


async def many_archived(care: Care) -> Person:
    """Some clients archived at once, one of them without a journey; then again, when there is nothing left to do."""
    await care.therapist("ana", intro_calls="off")
    anna, berta, lost = [await comes(care, name) for name in ("Anna", "Berta", "Lost")]
    await anna.books("session", by="desk")
    await lost.journey.terminate("so that it is gone")
    everybody = {"client_ids": [person.id for person in (anna, berta, lost)]}
    for _ in range(2):
        archive_id = (await care.post("/v1/archives", everybody, by="desk", expect=202))["archive_id"]
        while (await care.get(f"/v1/archives/{archive_id}"))["status"] == "running":
            await care.rest()
    return anna


async def between_sessions(care: Care) -> Person:
    """Messages, a document, goals and a form of the practice's own: mailed, put off, reminded of, done; an archive."""
    await care.therapist()
    await care.post("/v1/form-templates", DIARY, by="ana")
    await care.post("/v1/form-templates", {"title": "Feedback", "fields": DIARY["fields"]}, by="ana")
    sara = await comes(care, "Sara")
    direct = await starts(care, "ana", "direct", [sara])
    team = await starts(care, "desk", "care_team", [sara])
    for _ in range(3):  # the first is told of at once, the others in an hour
        await writes(care, "ana", direct)
        await care.rest()
    await writes(care, "desk", team)
    tomorrow = await care.now() + timedelta(days=1)
    sleep, walk, talk = [await sets_goal(sara, weekly(tomorrow, NEW_YORK)) for _ in range(3)]
    await asked_for(sara)
    await share(care, await upload(care), sara)
    await care.pass_time(hours=2)
    await care.pass_time(days=4)
    await care.call("PUT", f"/v1/clients/{sara.id}/forms/mood_diary", GOOD, expect=200)
    await changed(sara, sleep, remind=weekly(tomorrow + timedelta(days=2), NEW_YORK))
    await changed(sara, walk, status="completed", by="site")
    await changed(sara, talk, remind=None)
    await care.pass_time(days=7)
    # While it is archived nothing is told; what is unread is told afterwards, and what is due is due again.
    await care.post(f"/v1/clients/{sara.id}/forms", {"kind": "feedback"}, by="desk")
    for chat, by in ((direct, "ana"), (direct, "ana"), (team, "desk"), (team, "desk")):
        await writes(care, by, chat)
    await care.post(f"/v1/chats/{team['id']}/read", for_whom=sara.id, expect=200)
    await sara.is_archived()
    await care.pass_time(days=2)
    await writes(care, "ana", direct)
    await sara.is_unarchived()
    await care.pass_time(days=8)
    return sara


async def one_person_twice(care: Care) -> tuple[Person, ...]:
    """Three more records of one person: joined by the mailed link and by the care team, and one that is looked at."""
    sara = await care.client_in_care(sessions=3)
    double = await comes_again(care, sara)
    for person in (sara, double):
        chat = await starts(care, "ana", "direct", [person])
        for _ in range(2):  # of the second a mail is due in an hour
            await writes(care, "ana", chat)
            await care.rest()
    await share(care, await upload(care), double)
    await sets_goal(double, weekly(await care.now() + timedelta(days=1), NEW_YORK))
    await care.rest()
    [link] = await join_links(care, sara)
    await care.post("/v1/joins", {"token": link}, by=None, expect=200)
    await care.pass_time(hours=2)
    await sara.session(1).occurs()
    await care.pass_time(hours=25)
    await care.until(double.appointments[0].ends_at)
    await double.appointments[0].marked("occurred")

    third = await care.arrives("care_team", by="desk", name="Kim", client={"first_name": "Kim"})
    await care.call("PATCH", f"/v1/clients/{third.id}", {"email": sara.email}, expect=200)
    await care.rest()
    await resolves(care, "possible_duplicate")

    await sara.is_archived()
    fourth = await comes_again(care, sara, email="sara.lind@example.org")
    await care.post(f"/v1/clients/{fourth.id}/join", {"into": sara.id}, by="desk", expect=200)
    # From here on nobody moves the clock: it may stand still while an appointment of a record that was joined is open.
    await care.rest()
    await fourth.appointments[0].cancelled(by="desk")
    return sara, double, third, fourth


async def restored_again_and_again(care: Care) -> Person:
    """Archived before a payment, a series and a declined payment, and restored; once not, and paid by hand."""
    sara = await care.client_in_care(sessions=3)
    first = sara.session(1)
    await first.occurs()
    await sara.is_archived(reason="no answer")
    second = await first_restored(care, sara)
    await care.until(first.ends_at + DAY_AFTER)

    await second.occurs()
    await sara.is_archived(notify=False)
    await sara.is_unarchived()
    await care.pass_time(days=2)
    await retried(care, (await payment_of(second))["id"])

    await sara.books("session")
    await care.rest()
    await sara.is_archived()
    third = await first_restored(care, sara)
    await sara.bank_says("expired_card")
    await taken_place(third)
    await sara.is_archived()
    await sara.bank_says(None)
    await sara.journey.signal(UNARCHIVE, {"restore": True})
    await care.pass_time(hours=1)
    return sara


async def a_series_changed(care: Care) -> Person:
    """A new link, the rest of a series moved and cancelled, a late end of one; outcomes that were wrong."""
    await care.therapist("ana", zoom_link=OLD)
    sara = await care.client_in_care(sessions=1)
    series = await sara.books("session", by="desk", mode="zoom", after=timedelta(days=6), weeks=5)
    await link_is(care, NEW)
    await care.rest()
    await care.post(to_change(series[1], "reschedule"), to_all_from(series[2].starts_at), expect=200)
    await care.rest()
    cancels = {"reason": "moves away", "scope": "following"}
    await care.post(to_change(series[3], "cancel"), cancels, expect=200)
    await care.rest()

    await sara.session(1).occurs()
    await sara.session(1).marked("no_show", by="ana")
    await care.pass_time(hours=10)
    await sara.session(1).marked("occurred")
    await care.until(series[0].ends_at)
    await series[0].marked("no_show", by="ana")
    await series[0].marked("occurred", waive_fee=True, waive_reason="a fire alarm")
    moved = Booked(sara, await series[1].look())
    await care.until(moved.starts_at - timedelta(hours=5))
    late = {"requested_by": "client", "scope": "following"}
    await care.post(to_change(moved, "cancel"), late, by="ana", expect=200)
    await care.until(moved.ends_at + DAY_AFTER)
    return sara


async def marked_by_mistake(care: Care) -> Person:
    """A session and an intro call, whose workflow has ended, marked and unmarked; then marked as they were."""
    await care.therapist()
    sara = await care.client_in_care(sessions=1)
    [call] = await sara.books("intro_call", by="desk", after=timedelta(days=2))
    for one in (call, sara.session(1)):
        await one.occurs()
        await care.rest()
        await care.call("DELETE", f"/v1/appointments/{one.id}/outcome", by="desk", expect=200)
        await care.rest()
    await care.pass_time(hours=30)
    await call.marked("no_show")
    await sara.session(1).marked("occurred")
    await care.pass_time(hours=25)
    return sara


async def an_account_and_its_settings(care: Care) -> Person:
    """Links sent again, settings and a group; mails that are unwanted, or bounce; a card that stops working."""
    await care.therapist()
    sara = await care.arrives()
    client = f"/v1/clients/{sara.id}"
    await sara.books("intro_call", after=timedelta(days=15))
    await care.pass_time(days=2)
    [reminder, *_] = await care.mails(to=sara.email, template="forms_reminder")
    await click(care, reminder)
    await care.pass_time(days=7)
    for by in ("site", "desk"):
        await care.post(f"{client}/activation", by=by, expect=202)
        await care.rest()
    await sara.activates()
    group = (await care.post("/v1/groups", {"name": "Mondays"}, by="desk"))["id"]
    changes: list[tuple[str, Json]] = [
        ("ana", {"group": group}),
        (sara.email, {"unsubscribed": False, "phone": "+12125550177"}),
        ("site", {"time_zone": "America/Chicago"}),
        ("desk", {"portal_settings": {"forms": False}}),
        ("desk", {"portal_settings": {"forms": True}, "state": "NJ"}),
        ("desk", {"group": None}),
    ]
    for by, change in changes:
        await care.call("PATCH", client, change, by=by, expect=200)
    [welcome, *_] = await care.mails(to=sara.email, template="welcome")
    await tell(care, "bounce", welcome)
    await resolves(care, "mail_undeliverable")
    await sara.completes_forms()
    await sara.appointments[0].occurs()
    await care.pass_time(days=15)  # and no session is booked: reminded, and a task
    await leaves(sara, await waits_for(sara, await care.now() + timedelta(days=8), days=7))
    await sara.books("session", await care.now() + timedelta(days=60), by="desk")
    over = await runs_out(sara, await care.now() + timedelta(days=50))
    await care.until(over - timedelta(days=29))
    await sara.gives_card()
    await care.rest()
    return sara


async def a_form_asked_again(care: Care) -> Person:
    """A new version of a form: asked for, reminded of, a gate after its grace; again while archived, and completed."""
    sara = await care.client_in_care()
    await published(care)
    await care.pass_time(days=8)
    await sara.is_archived()
    await published(care, "initial_consultation")
    await sara.is_unarchived()
    await care.rest()
    await sara.completes_forms()
    await sara.books("session")
    await care.rest()
    return sara


async def first_restored(care: Care, person: Person) -> Booked:
    """What the archive cancelled is booked again: the first of it."""
    answer = await restored(care, person)
    line = answer["restored"]["appointments"][0]
    await care.rest()
    return Booked(person, await care.get(f"/v1/appointments/{line['id']}"))


async def kept(care: Care) -> tuple[Person, ...]:
    """A journey and an appointment that were ended, a round of the keeper, and what a closed record leaves behind."""
    sara = await care.client_in_care(sessions=1)
    double = await comes_again(care, sara)
    await care.rest()
    await sara.journey.terminate("a wrong click")
    await sara.session(1).workflow.terminate("a wrong click")
    await care.pass_time(minutes=2)
    await care.post("/v1/keepings?wait=60", by="desk", expect=200)
    await sara.session(1).occurs()
    mailer = care.house.dependencies.mailer
    send = mailer.send
    setattr(mailer, "send", _away)  # noqa: B010 - a method is put in place of another
    await care.post(f"/v1/clients/{double.id}/activation", expect=202)
    await care.post(f"/v1/clients/{double.id}/join", {"into": sara.id}, by="desk", expect=200)
    await care.rest()
    setattr(mailer, "send", send)  # noqa: B010
    await care.pass_time(hours=1)
    return sara, double


async def told_meanwhile(care: Care) -> tuple[Person, ...]:
    """What hears a signal while it works: two rounds of the keeper, which find that settings have changed, practice
    mail that is woken as it waits, and an archive of many that is stopped before it has asked anybody."""
    sara = await care.client_in_care(sessions=1)
    await care.post("/v1/keepings?wait=60", by="desk", expect=200)
    double = await comes_again(care, sara)
    mailer, executions = care.house.dependencies.mailer, care.house.dependencies.executions
    assert executions is not None
    send = mailer.send
    setattr(mailer, "send", _away)  # noqa: B010 - a method is put in place of another
    await care.post(f"/v1/clients/{double.id}/activation", expect=202)
    await care.rest()
    await care.post(f"/v1/clients/{double.id}/join", {"into": sara.id}, by="desk", expect=200)
    await care.rest()
    await executions.wake(PRACTICE_MAIL_ID, LOOK_AGAIN)  # as by another record that is closed
    await care.rest()
    setattr(mailer, "send", send)  # noqa: B010
    await care.pass_time(hours=1)

    await care.house.stop_worker()
    policy = replace(care.house.policy, outcome_nudge=timedelta(hours=20))
    care.house.dependencies = replace(care.house.dependencies, policy=policy)
    for _ in range(2):
        await care.post("/v1/keepings", by="desk", expect=202)
    archive_id = await archive_many(care, [sara])
    await workflow_of(care, archive_id).signal(STOP)
    await care.house.start_worker()
    await finished(care, archive_id)
    await care.rest()
    return sara, double


async def sealed_anew(care: Care) -> Person:
    """Everything that is sealed, sealed anew: as an operator does after a change of keys."""
    sara = await care.client_in_care(sessions=1)
    house, executions = care.house, care.house.dependencies.executions
    assert executions is not None
    await reencrypt(Connected(sessions=house.sessions, executions=executions, clock=house.clock))
    return sara


async def told_to_a_program(care: Care) -> Person:
    """A webhook: a program that refuses the first message, is told again, and hears nothing more once it is removed."""
    await care.therapist("ana")
    url = f"{care.house.sandbox_url}/webhooks"
    hook = await care.post("/v1/webhooks", {"url": url, "for": "practice"}, by="admin")
    sara = await care.arrives(name="Sara")
    await care.rest()
    await care.house.services.engine.wake_webhook(UUID(hook["id"]))
    await care.rest()
    await care.http.post(f"{url}/_secret", json={"secret": hook["secret"]})
    await care.pass_time(seconds=10)
    await care.call("DELETE", f"/v1/webhooks/{hook['id']}", by="admin", expect=204)
    await care.rest()
    return sara


async def busy_elsewhere(care: Care) -> Person:
    """A therapist's own calendar: read over several runs, a booked time that turns busy, read at once, taken away."""
    calendar = CalendarFile()
    async with served(calendar.app) as url:
        calendar.url = f"{url}/private-4f0c/basic.ics"
        sara = await care.client_in_care(sessions=1)
        start = sara.session(1).starts_at
        added = await care.post("/v1/therapists/ana/calendars", {"kind": "ics", "address": calendar.url}, by="ana")
        await care.pass_time(hours=1)
        calendar.events = [(start, start + timedelta(hours=1))]
        await care.post(f"/v1/therapists/ana/calendars/{added['id']}/read", by="ana", expect=202)
        await care.rest()
        calendar.says = 503
        await care.pass_time(minutes=40)
        await care.call("DELETE", f"/v1/therapists/ana/calendars/{added['id']}", by="ana", expect=204)
        await care.rest()
    return sara


async def _away(_: object) -> str:
    raise MailerUnavailable("nobody answers", ambiguous=False)


HIGH_CEILING = (Ceiling(role=Role.CARE_TEAM, currency="USD", amount=200000),)
CEILING = (Ceiling(role=Role.CARE_TEAM, currency="USD", amount=20000),)
Story = Callable[[Care], Awaitable[Person | tuple[Person, ...]]]
STORIES: tuple[tuple[Story, JourneyPolicy], ...] = (
    (from_the_form_to_a_charge, JourneyPolicy()),
    (by_hand_and_declined, JourneyPolicy()),
    (owed_and_settled, JourneyPolicy()),
    (run_after_run, JourneyPolicy(history_limit=SHORTEST_HISTORY)),
    (nobody, JourneyPolicy()),
    (in_line, JourneyPolicy(history_limit=SHORTEST_HISTORY)),
    (the_books_compared, JourneyPolicy()),
    (many_archived, JourneyPolicy(history_limit=SHORTEST_HISTORY)),
    (between_sessions, JourneyPolicy(history_limit=SHORTEST_HISTORY)),
    (money_by_hand, JourneyPolicy()),
    (money_run_after_run, JourneyPolicy(history_limit=200)),
    (one_person_twice, JourneyPolicy()),
    (restored_again_and_again, JourneyPolicy()),
    (a_series_changed, JourneyPolicy()),
    (marked_by_mistake, JourneyPolicy()),
    (an_account_and_its_settings, JourneyPolicy()),
    (a_form_asked_again, JourneyPolicy()),
    (kept, JourneyPolicy(**NO_LIMITS)),
    (sealed_anew, JourneyPolicy()),
    (told_to_a_program, JourneyPolicy()),
    (busy_elsewhere, JourneyPolicy()),
    (told_meanwhile, JourneyPolicy(**NO_LIMITS)),
    (a_busy_client, JourneyPolicy(second_person_above=HIGH_CEILING, **NO_LIMITS)),
    (a_second_person, JourneyPolicy(second_person_above=CEILING)),
)
