"""Many clients archived at once: by list and by group, each exactly once, and nobody stopped by another's failure."""

from collections import Counter
from datetime import timedelta
from typing import Any

from rules.archive.bulk import ALREADY_ARCHIVED, CLOSED
from tests.care.story import Care, Person
from tests.journeys.archive.bulk import archive_many, finished, progress, results
from tests.journeys.booking.waitlists.waitlist import comes

Json = dict[str, Any]


async def _seen_by_the_client(care: Care, person: Person) -> list[Any]:
    """Everything that the client side can read about a client who has booked."""
    paths = ("", "/forms", "/payments", "/waitlist")
    seen = [await care.get(f"/v1/clients/{person.id}{path}", by="site") for path in paths]
    for told_by_its_cancellation in ("next_appointment_at", "stage"):
        seen[0].pop(told_by_its_cancellation, None)
    return seen


async def test_s61_a_whole_group_is_archived_and_lives_on(care: Care) -> None:
    """S60: one confirmation after a list with money. S62: the group takes new clients, who are not archived."""
    sara = await care.client_in_care(sessions=2)
    await sara.session(1).occurs()
    otto, nora, mary = [await comes(care, name) for name in ("Otto", "Nora", "Mary")]
    await otto.books("session", after=timedelta(days=20), by="desk")
    await mary.is_archived()
    group = (await care.post("/v1/groups", {"name": "Monday evenings"}, by="desk"))["id"]
    members = [sara, otto, nora, mary]
    for person in members:
        await care.call("PATCH", f"/v1/clients/{person.id}", {"group": group}, by="desk", expect=200)
    await care.rest()
    singles = {p.id: await care.get(f"/v1/clients/{p.id}/archive") for p in members}
    before = [await _seen_by_the_client(care, person) for person in members]
    mails, charges = await care.mail_counts(), await care.charges_at_stripe()

    preview = await care.post("/v1/archives", {"group_id": group, "dry_run": True}, by="desk", expect=200)
    assert {line["client_id"]: (line["credit"], line["owed"]) for line in preview["clients"]} == {
        id: (single["credit"], single["owed"]) for id, single in singles.items()
    }
    totals = preview["totals"]
    assert (totals["clients"], totals["already_archived"], totals["appointments"], totals["payments"]) == (4, 1, 2, 1)
    assert (totals["owed"], totals["currency"]) == (12000, "USD")
    assert (await sara.look())["status"] == "active"

    archive_id = await archive_many(care, group_id=group, reason="The group ends.")
    view = await finished(care, archive_id)
    became = {line["client_id"]: (line["result"], line["because"]) for line in view["results"]}
    archived = ("archived", None)
    assert [became[p.id] for p in members] == [archived, archived, archived, ("skipped", ALREADY_ARCHIVED)]
    assert (view["archived"], view["skipped"], view["failed"]) == (3, 1, 0)

    [fact] = [fact for fact in await otto.timeline() if fact["kind"] == "archived"]
    assert (fact["actor"], fact["words"]) == ("care_team:desk", "The group ends.")
    for person in members:
        single = singles[person.id]
        assert (await person.facts()).count("archived") == 1
        assert (await person.look())["status"] == "archived"
        assert (await person.balance()) == {
            **{name: single[name] for name in ("credit", "owed", "currency")},
            "by_currency": [],
        }
    assert [p["status"] for p in await sara.payments()] == ["cancelled"]

    # Nobody is told: two appointments were cancelled, in the ordinary words, and that is all.
    await care.pass_time(days=40)
    assert await care.mail_counts() - mails == Counter(appointment_cancelled=2, appointment_changed=2)
    assert not [mail for mail in await care.mails() if "archiv" in (mail["subject"] + mail["text"]).lower()]
    assert await care.charges_at_stripe() == charges
    after = [await _seen_by_the_client(care, person) for person in members]
    assert [seen[:2] for seen in after] == [seen[:2] for seen in before]
    assert "archiv" not in str(after).lower()

    await _the_group_lives_on(care, group, members, archive_id)


async def _the_group_lives_on(care: Care, group: str, members: list[Person], archive_id: str) -> None:
    view, new = await progress(care, archive_id), await comes(care, "Nina")
    await care.call("PATCH", f"/v1/clients/{new.id}", {"group": group}, by="desk", expect=200)
    assert (await new.look())["status"] == "active"
    assert [(await person.look())["group"] for person in members] == [(await new.look())["group"]] * 4
    again = await archive_many(care, group_id=group)
    assert Counter(results(await finished(care, again))) == Counter(
        {("skipped", ALREADY_ARCHIVED): 4, ("archived", None): 1}
    )
    assert [line["archive_id"] for line in (await care.get("/v1/archives"))["items"]] == [again, archive_id]
    assert (await progress(care, archive_id)) == view


async def test_one_clients_failure_never_stops_the_others(care: Care) -> None:
    """And a therapist archives their own; twice at once is once; the time of what was cancelled is free at once."""
    await care.therapist("ana", intro_calls="off")
    nobody = await care.arrives()
    await care.pass_time(days=8)  # nobody gave a name: the journey closes
    lost, otto, nora = [await comes(care, name) for name in ("Lost", "Otto", "Nora")]
    start = await care.slot("ana", "session")
    await otto.books("session", start)
    await lost.journey.terminate("what nobody should do")
    people = [lost, nobody, otto, nora]

    first, second = [await archive_many(care, people, by="ana") for _ in range(2)]
    views = [await finished(care, archive_id, by="ana") for archive_id in (first, second)]
    for view in views:
        assert results(view)[1] == ("skipped", CLOSED)
    for place in (0, 2, 3):
        became = sorted(results(view)[place][0] for view in views)
        assert became == ["archived", "skipped"], "by whichever came first"
    for person in (lost, otto, nora):
        assert (await person.facts()).count("archived") == 1
    assert (await lost.facts()).count("journey_resumed") == 1, "whoever met it first has started it again"
    assert [fact["actor"] for fact in await otto.timeline() if fact["kind"] == "archived"] == ["therapist:ana"]
    assert start in await care.slots("ana", "session", after=timedelta(hours=13))
    await care.rest()
    assert (await care.mail_counts(to=otto.email))["appointment_cancelled"] == 1
