"""The care team's desk: every kind of task, matching by other answers, somebody who calls, two records of one."""

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from playwright.async_api import Browser, Response, expect

from bench.pages import MOST_CALLS
from local.stack import LocalStack, Ports
from models import database
from models.tables.clients.task import Task
from rules.enums import TaskKind
from tests.care.defaults import NO_LIMITS
from tests.web.accessible.looks import wrong_on
from tests.web.cared_for import CaredFor, added, booked, with_card
from tests.web.people import Site, Somebody
from web.staff.desk.kinds import KINDS

pytestmark = pytest.mark.timeout(480)

DESK, OWNER = "care@practice.example", "owner@practice.example"
TEMPORAL_UI = "https://temporal.practice.example"


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    """With a Temporal UI's address, as a stack has it whose clock is the system's."""
    env = {f"POLICY__{name.upper()}": str(most) for name, most in NO_LIMITS.items()}
    env |= {"TEMPORAL_UI_URL": TEMPORAL_UI}
    stack = await LocalStack.start(time_travel=True, ports=Ports.free(), pages=True, env=env)
    async with stack, httpx.AsyncClient(trust_env=False, timeout=180) as http:
        yield Site(stack, http)


async def opens_tasks(site: Site, client: CaredFor, data: dict[str, str]) -> dict[TaskKind, UUID]:
    """One of every kind, as if it had come to that."""
    now = await site.now()
    made = {kind: uuid4() for kind in TaskKind}
    engine = database.connect(site.stack.database_url)
    async with database.session_factory(engine)() as session:
        for kind, id in made.items():
            session.add(
                Task(
                    id=id,
                    key=f"{kind.value}:{id}",
                    client_id=None if kind.is_for_admins else UUID(client.id),
                    kind=kind,
                    text=f"Made up: {kind.value}.",
                    data=data,
                    opened_at=now,
                )
            )
        await session.commit()
    await engine.dispose()
    return made


def calls_of(answer: Response) -> int:
    """How often a page asked the API, as it tells in development."""
    told = re.search(r'desc="(\d+) calls"', answer.headers["server-timing"])
    assert told
    return int(told[1])


async def test_every_kind_of_task_says_why_and_leads_to_what_settles_it(site: Site, browser: Browser) -> None:
    client = await with_card(site, "Tilda")
    other = await added(site, "Tyra")
    [appointment] = (await site.api("GET", f"/v1/appointments?client={client.id}"))["items"]
    await site.api("POST", f"/v1/appointments/{appointment['id']}/cancel", {"requested_by": "practice"})
    data = {"appointment_id": appointment["id"], "other_id": other.id}
    made = await opens_tasks(site, client, data)
    async with Somebody.at(site, browser, wide=True) as desk:
        await desk.signs_in_as_staff(DESK)
        assert await desk.heading() == f"{len(TaskKind)} tasks need a person"
        cards = desk.page.locator("main section .card")
        assert await cards.count() == len(TaskKind)
        buttons = await cards.locator(".button").evaluate_all("all => all.map(one => one.getAttribute('href'))")
        text = await desk.reads()
        for kind in TaskKind:
            its = KINDS[kind.value]
            assert its.title in text, kind
            assert its.why in text, kind
        assert await wrong_on(desk.page) == []
        for path in dict.fromkeys(path.split("#")[0] for path in buttons):
            answer = await desk.goes(path)
            if path != "/staff/texts":  # an owner's, as the task is
                assert answer.status == 200, path
                assert calls_of(answer) <= MOST_CALLS, path
        # One is looked at and settled with a note; the desk then has one less.
        await desk.goes(f"/staff/desk?kind={TaskKind.KEEPS_ENDING.value}")
        await desk.follows("Say what was done")
        assert await wrong_on(desk.page) == []
        await desk.presses("It is settled")
        await desk.sees("There is a problem")
        await desk.types("What was done", "It was started again by the engineers.")
        await desk.presses("It is settled")
        await desk.sees("Settled.")
        assert await desk.heading() == f"{len(TaskKind) - 1} tasks need a person"
        # The client's own page has them at the top, each with its button, and the journey drawn.
        await desk.goes(client.record)
        await expect(desk.page.locator(".notice", has_text=KINDS["mail_undeliverable"].does)).to_be_visible()
        assert await desk.page.locator(".track [aria-current=step]").count() == 1
        assert await wrong_on(desk.page) == []
        await desk.sees("Waits for")
        ui = desk.page.get_by_role("link", name="Open this journey in the Temporal UI")
        assert f"client-journey%3A{client.id}" in (await ui.get_attribute("href") or "")
    async with Somebody.at(site, browser, wide=True) as owner:
        await owner.signs_in_as_staff(OWNER)
        assert await owner.heading() == "2 tasks need a person"
        await owner.follows("Look at the texts")
        assert await owner.heading() == "Texts and forms"
        await owner.goes(f"/staff/tasks/{made[TaskKind.TEXT_WAITS]}")
        await owner.types("What was done", "The setting was put back.")
        await owner.presses("It is settled")
        assert await owner.heading() == "1 task needs a person"
        await owner.goes(f"/staff/tasks/{made[TaskKind.WEBHOOK_OFF]}")
        await owner.types("What was done", "The program answers again.")
        await owner.presses("It is settled")
        assert await owner.heading() == "Nothing here needs you"


NOBODY: dict[str, Any] = {
    "source": "matching_form",
    "answers": {"state": "WY", "modality": "individual", "concerns": ["anxiety"], "note": "I travel a lot."},
    "client": {"first_name": "Uma", "last_name": "Dahl", "email": "uma@cared.example"},
}


async def test_a_client_is_matched_by_what_they_say_on_the_phone(site: Site, browser: Browser) -> None:
    begun = await site.api("POST", "/v1/journeys", NOBODY, key="dev-booking-site")
    async with Somebody.at(site, browser, wide=True) as desk:
        await desk.signs_in_as_staff(DESK)
        await desk.goes(f"/staff/clients?q={begun['ref']}")
        await desk.page.locator("th a").first.click()
        await desk.follows("Match by hand")
        await desk.sees("Nobody fits all that was asked for.")
        await desk.sees("I travel a lot.")
        assert await desk.page.locator('input[name="therapist"]').count() == 5  # each with why not
        await desk.page.get_by_text("Try other answers", exact=True).click()
        await desk.chooses("State", "NY")
        await desk.ticks("Sleep")
        await desk.page.locator('input[name="preferred_times"][value="mon-evening"]').check()
        await desk.presses("See who would fit")
        await desk.sees("What you try")
        await desk.sees("Covers 1 of 2 concerns")
        assert await wrong_on(desk.page) == []
        assert await desk.page.get_by_label("Sleep", exact=True).is_checked()
        first = desk.page.locator('#therapist input[name="therapist"]').first
        slug = await first.get_attribute("value")
        await first.check()
        await desk.presses("Match")
        await desk.sees("There is a problem")
        assert await desk.page.locator(f'input[name="therapist"][value="{slug}"]').is_checked()
        await desk.types("Why", "She is in New York most of the time.")
        await desk.presses("Match")
        await desk.sees("Matched.")
        record = desk.page.url.partition("?")[0]
        await desk.goes(f"{record}/match")
        await desk.sees("She is in New York most of the time.")
        await desk.page.get_by_text("Before: nobody fitted").click()
        await desk.sees("Present therapist")
        # Again, with another one, whatever was booked going with it.
        other = desk.page.locator('#therapist input[name="therapist"]:not([value="' + str(slug) + '"])').first
        await other.check()
        await desk.types("Why", "They know one another.")
        await desk.presses("Match")
        await desk.sees("Matched.")


async def test_somebody_calls_is_found_and_booked_for(site: Site, browser: Browser) -> None:
    """Added without a therapist, refused a second time, found by name, address and reference."""
    async with Somebody.at(site, browser, wide=True) as desk:
        await desk.signs_in_as_staff(DESK)
        for expected in ("Why this therapist", "Email in use."):
            await desk.goes("/staff/clients/new")
            await desk.types("First name", "Carla")
            await desk.types("Last name", "Caller")
            await desk.types("E-mail", "carla@cared.example")
            await desk.types("Phone", "+12125550100")
            await desk.chooses("Therapist", "?")
            await desk.presses("Add client")
            await desk.sees("is needed to find who fits")
            await desk.chooses("State", "NY")
            await desk.presses("Add client")
            await desk.sees(expected)
        await desk.follows("Open the record")
        record = desk.page.url
        ref = (await desk.page.locator("h1 .quiet").inner_text()).strip()
        for wanted in ("Caller", "carla@cared", ref):
            await desk.goes("/staff/desk")
            await desk.types("Find a client", wanted)
            await desk.presses("Find")
            await desk.page.get_by_role("link", name="Carla Caller").first.wait_for()
        client = CaredFor(id=record.rpartition("/")[2], ref=ref, name="Carla Caller", email="carla@cared.example")
        await is_booked_for(site, desk, client)
        await is_joined_with_another_record(site, desk, client)


async def is_booked_for(site: Site, desk: Somebody, client: CaredFor) -> None:
    """Booked, moved, cancelled; marked for the therapist, from the task that asks for it; written to."""
    slug = (await site.api("GET", f"/v1/clients/{client.id}"))["therapist"]
    one = await booked(site, client, therapist=slug)
    await desk.goes(f"/staff/appointments/{one['id']}")
    await desk.page.get_by_text("Move", exact=True).first.click()
    night = datetime.fromisoformat(one["starts_at"]) + timedelta(days=1)  # that of today may be past
    await desk.page.get_by_label("Date").first.fill(night.date().isoformat())
    await desk.page.locator("#time").fill("23:00")  # in New York: night for whoever of the five it is
    await desk.types("Why", "She asked.")
    await desk.presses("Move it")
    await desk.sees("A client could not choose this")
    await desk.presses("Move it anyway")
    await desk.sees("Moved. Both sides are told.")
    await desk.page.get_by_text("Cancel", exact=True).first.click()
    await desk.presses("See what it means")
    await desk.sees("No fee is due.")
    await desk.presses("Cancel")
    await desk.sees("Cancelled.")
    # One is marked for the therapist, from the task that asks for it.
    two = await booked(site, client, therapist=slug)
    await site.advance(timedelta(days=1))
    while (await site.api("GET", f"/v1/tasks?client={client.id}&kind=outcome_missing"))["items"] == []:
        await site.advance(timedelta(hours=12))
    await desk.signs_in_as_staff(DESK)  # the sign-in of before has ended
    await desk.goes(f"/staff/clients/{client.id}")
    await desk.follows("Mark it")
    assert two["id"] in desk.page.url
    await desk.presses("Took place")
    await expect(desk.page.get_by_role("button", name="Took place")).to_have_count(0)
    # The chat with the care team.
    await desk.goes(f"/staff/clients/{client.id}/chat")
    await desk.presses("Begin one")
    await desk.types("Message", "Your next session is on Thursday.")
    await desk.presses("Send")
    await desk.sees("Your next session is on Thursday.")


async def is_joined_with_another_record(site: Site, desk: Somebody, client: CaredFor) -> None:
    """Somebody added her again under another address."""
    twin = await added(site, "Karla")
    await desk.goes(f"{twin.record}/settings")
    await desk.follows("Put this record together")
    await desk.types("Name, e-mail or reference", "carla@cared")
    await desk.presses("Find")
    await desk.page.get_by_role("link", name="Carla Caller").click()
    await desk.sees("It cannot be taken back")
    await desk.sees(client.ref)
    assert await wrong_on(desk.page) == []
    await desk.presses("Put them together")
    await desk.sees("The two records are one.")
    assert client.id in desk.page.url
