"""Everybody is archived, in every situation: the preview says what happens, and then nothing happens for a year."""

from tests.care.defaults import Json
from tests.care.story import Care, Person
from tests.journeys.archive.situations import CANCELLATIONS, everybody, timers_of

A_YEAR = 366  # days
OF_THE_REQUEST = {"archived_at", "by", "reason", "request_id", "notify"}
ALWAYS = {"client_id", "already_archived", "currency", "time_zone", "credit", "owed", "money"}
SAID = {
    "matching": {"tasks_closed"},
    "anonymous": {"reminders"},
    "first_booking": {"reminders"},
    "activation": {"appointments", "forms", "mails", "reminders"},
    "intake": {"appointments", "forms", "mails", "reminders"},
    "intro_call": {"appointments", "mails", "reminders"},
    "scheduling": {"reminders"},
    "in_care": {"appointments", "forms", "mails", "reminders"},  # one session paid, three ahead
    "scheduled": {"payments", "forms", "reminders"},
    "two_currencies": {"payments", "forms", "reminders"},
    "failed": {"payments", "forms", "reminders"},
    "requires_action": {"payments", "forms", "reminders"},
    "running": {"left_unmarked", "forms", "reminders"},
    "unmarked": {"left_unmarked", "forms", "reminders"},
    "busy": {
        *("appointments", "forms", "mails", "reminders", "waitlist", "holds"),
        *("chats_left", "chats_kept", "goals"),
    },
}
CHARGES = {
    "scheduled": ["charge on"],
    "two_currencies": ["charge on"] * 2,
    "failed": ["another try of the payment on"],
    "requires_action": ["waiting for the client to confirm the payment, until"],
}
BY_SIGNAL = ("activation", "in_care", "failed", "busy")  # from the Temporal UI, with no input
STAGES_AFTER = {  # what was cancelled stays cancelled
    "matching": "matching",
    "first_booking": "first_booking",
    "activation": "activation",
    "intake": "intake",
    "intro_call": "scheduling",
    "scheduling": "scheduling",
    "in_care": "in_care",
}


async def preview_of(care: Care, person: Person) -> Json:
    document: Json = await care.get(f"/v1/clients/{person.id}/archive")
    return document


async def notifications(care: Care) -> list[Json]:
    """Of both therapists, whose tokens may have run out."""
    lines: list[Json] = []
    for slug in ("ana", "ben"):
        care.tokens[slug] = await care.token_of(slug)
        lines += (await care.get("/v1/notifications", by=slug, limit=200))["items"]
    return lines


def says_what_stops(said: dict[str, Json]) -> None:
    """Money by currency, timers of every kind in words, and what becomes of chats and tasks."""
    busy = said["busy"]
    assert [chat["kind"] for chat in busy["chats_left"]] == ["group"]
    assert {chat["kind"] for chat in busy["chats_kept"]} == {"direct", "care_team", "community"}
    assert all(line["text"] for preview in said.values() for line in (*preview["reminders"], *preview["payments"]))
    assert (busy["credit"], said["failed"]["owed"], said["in_care"]["owed"]) == (500, 12000, 0)
    # A mail about the second message of each chat was put off for an hour: it stops.
    chats = [line["chat_id"] for line in busy["reminders"] if line["kind"] == "new_message"]
    assert sorted(chats) == sorted(chat["id"] for chat in (*busy["chats_left"], *busy["chats_kept"]))
    assert said["two_currencies"]["money"] == [
        {"currency": "EUR", "credit": 300, "owed": 9000},
        {"currency": "USD", "credit": 70, "owed": 12000},
    ]
    for name, waits in CHARGES.items():
        texts = [line["text"] for line in said[name]["payments"]]
        assert all(text.startswith(words) for text, words in zip(texts, waits, strict=True)), texts
    assert [task["kind"] for task in said["matching"]["tasks_closed"]] == ["match_by_hand"]


async def test_x3_everybody_is_archived_as_the_preview_said_and_for_a_year_nothing_happens(care: Care) -> None:
    people = await everybody(care)
    for name in STAGES_AFTER:
        assert await people[name].stage() == name
    payments = {name: [line["status"] for line in await people[name].payments()] for name in people}
    assert [payments[name] for name in ("scheduled", "failed", "requires_action")] == [
        ["scheduled"],
        ["failed"],
        ["requires_action"],
    ]
    tasks = {task["id"] for task in await care.tasks() if task["kind"] != "match_by_hand"}
    charges, mails, feed = await care.charges_at_stripe(), await care.mail_counts(), await notifications(care)
    assert feed

    said, told = {}, 0
    for name, person in people.items():
        said[name] = preview = await preview_of(care, person)
        assert {key for key, value in preview.items() if value and key not in ALWAYS} == SAID[name], name
        told += len(preview["mails"])
        if name in BY_SIGNAL:
            await person.journey.signal("archive")
        else:
            done = await person.is_archived(reason="moved away")
            assert {key: value for key, value in done.items() if key not in OF_THE_REQUEST} == preview, name
    await care.rest()
    for name, person in people.items():
        recorded = await preview_of(care, person)  # of an archived client: what was done
        assert {key: value for key, value in recorded.items() if key not in OF_THE_REQUEST} == (
            said[name] | {"already_archived": True}
        ), name
        assert (recorded["by"], recorded["reason"]) == (
            ("via Temporal", None) if name in BY_SIGNAL else ("care_team:desk", "moved away")
        )
        assert await person.stage() == "archived"
        assert await person.is_archived() == recorded  # twice is one archive
    says_what_stops(said)
    assert {task["id"] for task in await care.tasks()} == tasks
    assert [one["status"] for one in (await care.stripe())["payment_intents"]].count("canceled") == 2

    await care.pass_time(days=A_YEAR)

    sent = await care.mail_counts() - mails
    assert set(sent) == CANCELLATIONS
    assert sent.total() == told
    assert await care.charges_at_stripe() == charges
    assert await notifications(care) == []  # S39: they have left the feed
    assert {task["kind"] for task in await care.tasks()} <= {"outcome_missing"}  # opened before; money tasks stay too
    for name in ("scheduled", "failed", "requires_action"):  # S42: stopped, and owed until it is charged or let go
        [payment] = await people[name].payments()
        assert (payment["status"], payment["because"]) == ("cancelled", "archived")
        assert (await people[name].balance())["owed"] == 12000
    assert {one["status"] for one in (await care.stripe())["payment_intents"]} == {"succeeded", "canceled"}
    balance = await people["two_currencies"].balance()
    own = {name: balance[name] for name in ("currency", "credit", "owed")}
    both = sorted([own, *balance["by_currency"]], key=lambda line: str(line["currency"]))
    assert both == said["two_currencies"]["money"]
    for name, person in people.items():
        assert await timers_of(person) == 0, name
        assert (await person.facts()).count("archived") == 1
        assert (await care.get(f"/v1/clients/{person.id}/timeline/verify"))["valid"] is True
        await person.is_unarchived()
    for name, stage in STAGES_AFTER.items():
        assert await people[name].stage() == stage, name
    assert [task["kind"] for task in await care.tasks()].count("match_by_hand") == 1
    # The feed is as it was, but for the news that they are back: in all that time nothing was added to it.
    assert [line for line in await notifications(care) if line["kind"] != "client_back"] == feed
