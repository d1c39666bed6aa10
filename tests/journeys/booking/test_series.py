"""This and all after it: the rest of a weekly series is cancelled or moved in one call, or only asked about."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.calendars.reading import read
from tests.care.defaults import Json
from tests.care.story import Booked, Care, Person, key
from tests.journeys.booking.test_series_over_clock_changes import (
    NEW_YORK,
    at,
    client_of_therapist_in,
    next_changes,
    wall,
)
from tests.journeys.refused import seen

THERAPIST = "ana@practice.example"
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
WEEK = timedelta(weeks=1)
FEE = {"amount": 12000, "currency": "USD"}
FOLLOWING = {"scope": "following"}


def path(appointment: Booked, change: str) -> str:
    return f"/v1/appointments/{appointment.id}/{change}"


def ids(appointments: list[Booked]) -> list[str]:
    return [appointment.id for appointment in appointments]


def weekly(first: datetime, weeks: int) -> list[datetime]:
    """Whole weeks after a time, at its wall time in New York; three o'clock where half past two is skipped."""
    walls = [wall(first, NEW_YORK) + WEEK * week for week in range(weeks)]
    found = [at(shown, NEW_YORK) for shown in walls]
    skipped = [wall(start, NEW_YORK) != shown for start, shown in zip(found, walls, strict=True)]
    return [start.replace(minute=0) if gap else start for start, gap in zip(found, skipped, strict=True)]


def to(starts_at: datetime, **more: Any) -> Json:
    return {"starts_at": starts_at.isoformat(), **FOLLOWING, **more}


def instants(lines: list[Json], name: str = "starts_at") -> list[datetime]:
    return [datetime.fromisoformat(line[name]) for line in lines]


async def starts_now(appointments: list[Booked]) -> list[datetime]:
    return instants([await appointment.look() for appointment in appointments])


async def statuses(person: Person) -> list[str]:
    return [(await appointment.look())["status"] for appointment in person.appointments]


async def files_of(care: Care, to: str, template: str) -> list[tuple[str, int, datetime]]:
    """What the files of the one mail of that kind tell: method, sequence and start of each, by start."""
    for _ in range(10):  # writing 51 files takes a moment; the mail goes out beside the story
        if await care.mails(to=to, template=template):
            break
        await care.rest()
    [mail] = await care.mails(to=to, template=template)
    told = []
    for file in mail["attachments"]:
        calendar, [event] = read(file["content"].encode())
        told.append((str(calendar["METHOD"]), int(event.event["SEQUENCE"]), event.starts_at))
    return sorted(told, key=lambda line: line[2])


# ---------------------------------------------------------------- cancelled


async def test_the_rest_of_a_series_is_cancelled_by_the_client(care: Care) -> None:
    sara = await care.client_in_care(sessions=6)
    kept, gone = sara.appointments[:2], sara.appointments[2:]
    before = await seen(care, sara)
    body = {"reason": "moves away", **FOLLOWING}
    would = await care.post(path(gone[0], "cancel"), body | {"confirm": False}, expect=200)
    assert (would["late"], would["fee"], would["appointment"]["id"]) == (False, None, gone[0].id)
    assert [(line["appointment_id"], line["late"], line["fee"]) for line in would["appointments"]] == [
        (id, False, None) for id in ids(gone)
    ]
    assert instants(would["appointments"]) == [one.starts_at for one in gone]
    assert await seen(care, sara) == before

    again = key()
    done = await care.post(path(gone[0], "cancel"), body, expect=200, headers=again)
    assert (done["id"], done["status"]) == (gone[0].id, "cancelled")
    assert [(line["id"], line["status"]) for line in done["following"]] == [(id, "cancelled") for id in ids(gone[1:])]
    assert await care.post(path(gone[0], "cancel"), body, expect=200, headers=again) == done
    await care.refused("POST", path(gone[0], "cancel"), body, name="appointment-not-open")
    await care.rest()
    assert await statuses(sara) == ["scheduled"] * 2 + ["cancelled"] * 4
    for appointment in gone:
        await appointment.workflow.result()  # it has ended
    open_ones = (await sara.journey.query("journey"))["open_appointments"]
    assert [line["id"] for line in open_ones] == ids(kept)

    cancelled = [("CANCEL", 1, one.starts_at) for one in gone]
    assert await files_of(care, sara.email, "appointment_cancelled") == cancelled
    assert await files_of(care, THERAPIST, "appointment_changed") == cancelled
    [mail] = await care.mails(to=sara.email, template="appointment_cancelled")
    assert mail["subject"].startswith("Cancelled: 4 of your appointments")
    assert "nothing to pay" in mail["text"]
    facts = [fact for fact in await sara.timeline() if fact["kind"] == "appointment_cancelled"]
    assert [fact["data"]["appointment_id"] for fact in facts] == ids(gone)
    assert {fact["actor"] for fact in facts} == {f"client:{sara.id}"}
    assert (await care.get(f"/v1/clients/{sara.id}/timeline/verify"))["valid"]

    # Its time is free again, all of it.
    otto = await care.arrives(name="Otto")
    booked = await otto.books("session", gone[0].starts_at, by="desk", weeks=4)
    assert [one.starts_at for one in booked] == [one.starts_at for one in gone]

    assert await sara.stage() == "in_care"
    await care.post(path(kept[0], "cancel"), FOLLOWING, by="ana", expect=200)
    await care.rest()
    assert await sara.stage() == "scheduling"
    assert (await care.mail_counts(to=sara.email))["appointment_cancelled"] == 2
    assert await sara.payments() == []


async def test_s28_of_a_series_cancelled_late_the_first_costs_its_fee_and_the_rest_nothing(care: Care) -> None:
    sara = await care.client_in_care(sessions=3)
    otto = await care.arrives(name="Otto")
    await otto.books("session", sara.session(1).starts_at + 2 * HOUR, by="desk", weeks=2)
    await care.until(sara.session(1).starts_at - 5 * HOUR)
    cancel = path(sara.session(1), "cancel")
    before = await seen(care, sara)
    later = to(sara.session(2).starts_at)
    for change, body in ((cancel, FOLLOWING), (path(sara.session(1), "reschedule"), later)):
        for confirm in (True, False):
            asked = {**body, "confirm": confirm}
            problem = await care.refused("POST", change, asked, name="late-change-contact-therapist")
            assert (problem["therapist"], problem["fee"]) == ("ana", FEE)
    cases: list[tuple[str, Json, list[Json | None]]] = [
        ("following", {"requested_by": "client"}, [FEE, None, None]),
        ("following", {"requested_by": "client", "waive_fee": True, "waive_reason": "ill"}, [None, None, None]),
        ("following", {"requested_by": "practice"}, [None, None, None]),
        ("following", {}, [None, None, None]),
        ("one", {"requested_by": "client"}, [FEE]),
    ]
    for scope, more, fees in cases:
        would = await care.post(cancel, {"scope": scope, "confirm": False, **more}, by="ana", expect=200)
        assert [line["fee"] for line in would["appointments"]] == fees
        assert would["fee"] == fees[0]
        assert would["late"] == (more.get("requested_by") == "client")
    assert await seen(care, sara) == before

    done = await care.post(cancel, {"requested_by": "client", **FOLLOWING}, by="ana", expect=200)
    assert (done["status"], done["payment"]["amount"], done["payment"]["kind"]) == (
        "late_cancelled", 12000, "late_cancellation"
    )  # fmt: skip
    assert [(line["status"], line["payment"]) for line in done["following"]] == [("cancelled", None)] * 2
    [payment] = await sara.payments()
    assert (payment["amount"], payment["status"]) == (12000, "scheduled")
    waived = {"requested_by": "client", "waive_fee": True, "waive_reason": "ill", **FOLLOWING}
    done = await care.post(path(otto.session(1), "cancel"), waived, by="desk", expect=200)
    assert (done["status"], done["payment"]["status"]) == ("late_cancelled", "waived")
    assert [fact["words"] for fact in await otto.timeline() if fact["kind"] == "payment_waived"] == ["ill"]
    await care.pass_time(days=2)
    assert await care.charges_at_stripe() == [12000]

    [mail] = await care.mails(to=sara.email, template="appointment_cancelled")
    assert "late cancellation fee of 120.00 USD" in mail["text"]
    assert "nothing to pay for the others" in mail["text"]
    [mail] = await care.mails(to=otto.email, template="appointment_cancelled")
    assert "fee of" not in mail["text"]
    assert "by the client" in (await care.mails(to=THERAPIST, template="appointment_changed"))[0]["text"]


async def test_what_an_archive_left_of_a_series_can_be_cancelled_and_is_owed(care: Care) -> None:
    sara = await care.client_in_care(sessions=3)
    running = sara.session(1)
    await care.until(running.starts_at + timedelta(minutes=10))
    await sara.is_archived()
    assert await statuses(sara) == ["scheduled", "cancelled", "cancelled"]
    await care.refused("POST", path(sara.session(2), "cancel"), FOLLOWING, by="desk", name="appointment-not-open")
    later = to(running.starts_at + DAY)
    await care.refused("POST", path(running, "reschedule"), later, by="desk", name="client-archived")
    done = await care.post(path(running, "cancel"), {"requested_by": "client", **FOLLOWING}, by="desk", expect=200)
    assert (done["status"], done["following"]) == ("late_cancelled", [])
    await care.pass_time(days=3)
    [payment] = await sara.payments()
    assert (payment["status"], payment["because"]) == ("cancelled", "archived")
    assert (await sara.balance())["owed"] == 12000
    assert await care.charges_at_stripe() == []


# ---------------------------------------------------------------- moved


async def test_the_rest_of_a_series_moves_by_a_week(care: Care) -> None:
    """Each takes the time that the next one leaves, and its reminders go along."""
    sara = await care.client_in_care(sessions=4)
    await care.rest()
    moving = sara.appointments[1:]
    old = [one.starts_at for one in moving]
    new = weekly(old[1], 3)
    assert new[:2] == old[1:]
    before = await seen(care, sara)
    would = await care.post(path(moving[0], "reschedule"), to(old[1], confirm=False), expect=200)
    assert (would["late"], would["fee"], would["appointment"]["id"]) == (False, None, moving[0].id)
    assert [line["appointment_id"] for line in would["appointments"]] == ids(moving)
    assert (instants(would["appointments"]), instants(would["appointments"], "to")) == (old, new)
    one_week = {"starts_at": old[1].isoformat(), "confirm": False}
    await care.refused("POST", path(moving[0], "reschedule"), one_week, name="slot-taken")  # one alone is in the way
    one_week = {"starts_at": (old[0] + HOUR).isoformat(), "confirm": False}
    alone = await care.post(path(moving[0], "reschedule"), one_week, expect=200)
    assert [line["appointment_id"] for line in alone["appointments"]] == [moving[0].id]
    assert instants(alone["appointments"], "to") == [old[0] + HOUR]
    await care.rest()
    assert await seen(care, sara) == before

    again = key()
    done = await care.post(path(moving[0], "reschedule"), to(old[1], reason="holidays"), expect=200, headers=again)
    assert (done["id"], instants([done, *done["following"]])) == (moving[0].id, new)
    assert [line["id"] for line in done["following"]] == ids(moving[1:])
    assert (
        await care.post(path(moving[0], "reschedule"), to(old[1], reason="holidays"), expect=200, headers=again) == done
    )
    await care.rest()
    assert await starts_now(sara.appointments) == [sara.session(1).starts_at, *new]
    for template, reader in (("appointment_rescheduled", sara.email), ("appointment_changed", THERAPIST)):
        assert await files_of(care, reader, template) == [("REQUEST", 1, start) for start in new]
        [mail] = await care.mails(to=reader, template=template)
        shown = mail["text"].split("\n* ")[1:]
        for lines, was in zip(shown, old, strict=True):
            local = wall(was, NEW_YORK)
            assert f"Before: {local:%A} {local.day} {local:%B %Y, %H:%M} (New York time" in lines
    facts = [fact["data"] for fact in await sara.timeline() if fact["kind"] == "appointment_rescheduled"]
    assert [(fact["appointment_id"], *instants([fact], "from"), *instants([fact], "to")) for fact in facts] == [
        *zip(ids(moving), old, new, strict=True)
    ]

    for appointment, start in zip(moving, new, strict=True):
        view = await appointment.workflow.query("appointment")
        assert instants([view]) == [start]
        assert instants([view], "next_step_at") == [start - DAY]
    await sara.session(1).occurs()
    await care.until(old[0] + HOUR)
    so_far = (await care.mail_counts(to=sara.email))["appointment_reminder"]
    await care.until(new[0] - 2 * HOUR)
    assert (await care.mail_counts(to=sara.email))["appointment_reminder"] == so_far + 1

    # What was not held in time is the practice's to move; what follows comes along, an hour later each week.
    await care.until(new[0] + 2 * HOUR)
    at_last = new[0] + DAY + HOUR
    await care.refused("POST", path(moving[0], "reschedule"), to(at_last), name="appointment-not-open")
    done = await care.post(path(moving[0], "reschedule"), to(at_last), by="ana", expect=200)
    assert instants([done, *done["following"]]) == weekly(at_last, 3)


async def test_a_series_that_cannot_move_as_a_whole_stays_where_it_is(care: Care) -> None:
    sara = await care.client_in_care(sessions=4)
    otto = await care.arrives(name="Otto")
    first = sara.session(1).starts_at
    later = weekly(first + 2 * HOUR, 4)
    await otto.books("session", later[2], by="desk")
    # Sara sees another therapist, too: nobody can be in two places.
    await care.therapist("ben")
    change = {"therapist": "ben", "reason": "couples"}
    await care.call("PUT", f"/v1/clients/{sara.id}/match", change, by="desk", expect=200)
    await sara.books("session", later[3] + timedelta(minutes=30), by="desk")
    await care.rest()
    before = await seen(care, sara)
    move = path(sara.session(1), "reschedule")
    problem = await care.refused("POST", move, to(later[0]), by="ana", name="series-conflict")
    assert "2 of 4" in problem["detail"]
    assert [(line["week"], *instants([line])) for line in problem["conflicts"]] == [(3, later[2]), (4, later[3])]
    assert ["The client" in line["because"] for line in problem["conflicts"]] == [False, True]
    for line in problem["conflicts"]:
        [wanted] = instants([line])
        others = instants(line["alternatives"])
        assert len(others) == 3
        monday = wall(wanted, NEW_YORK).date() - wall(wanted, NEW_YORK).weekday() * DAY
        assert all(monday <= wall(other, NEW_YORK).date() < monday + WEEK for other in others)
    asked = await care.refused("POST", move, to(later[0], confirm=False), by="ana", name="series-conflict")
    assert asked == problem
    await care.rest()
    assert await seen(care, sara) == before

    # A hold of the first new time keeps others out, and is used up by whoever presents it.
    free = weekly(first + 5 * HOUR, 4)
    hold = {"type": "session", "starts_at": free[0].isoformat()}
    held = (await care.post("/v1/therapists/ana/holds", hold))["hold_id"]
    problem = await care.refused("POST", move, to(free[0]), name="series-conflict")
    assert [line["week"] for line in problem["conflicts"]] == [1]
    done = await care.post(move, to(free[0], hold_id=held), expect=200)
    assert instants([done, *done["following"]]) == free
    await care.call("DELETE", f"/v1/holds/{held}", expect=404)


async def test_one_that_was_moved_by_itself_comes_back_and_one_that_was_held_stays(care: Care) -> None:
    sara = await care.client_in_care(sessions=4)
    first, second, third, fourth = sara.appointments
    await first.occurs()
    rhythm = second.starts_at
    await third.moved(third.starts_at + DAY)
    await fourth.cancelled()
    await care.rest()
    done = await care.post(path(second, "reschedule"), to(rhythm), expect=200)  # nothing but the rhythm
    assert instants([done, *done["following"]]) == weekly(rhythm, 2)
    again = await care.post(path(second, "reschedule"), to(rhythm), expect=200)  # where they are already
    assert (again["starts_at"], again["following"]) == (done["starts_at"], [])
    await care.rest()
    mail = (await care.mails(to=sara.email, template="appointment_rescheduled"))[-1]
    [back] = mail["attachments"]  # nothing but what has moved
    assert "Before:" in mail["text"]
    assert back["filename"] == "invite.ics"
    held = await care.refused(
        "POST", path(first, "reschedule"), to(rhythm + HOUR), by="ana", name="appointment-not-open"
    )
    assert held["appointment_status"] == "occurred"
    assert await statuses(sara) == ["occurred", "scheduled", "scheduled", "cancelled"]


async def test_another_weekday_and_hour_over_a_change_of_the_clocks(care: Care) -> None:
    sara = await client_of_therapist_in(care, NEW_YORK, name="Sara")
    for change in await next_changes(care, NEW_YORK):
        first = wall(change, NEW_YORK).replace(hour=10, minute=15) - 3 * WEEK
        booked = await sara.books("session", at(first, NEW_YORK), weeks=6)
        thursday = first + 4 * DAY + 3 * HOUR
        done = await care.post(path(booked[1], "reschedule"), to(at(thursday + WEEK, NEW_YORK)), expect=200)
        moved = instants([done, *done["following"]])
        assert [wall(start, NEW_YORK) for start in moved] == [thursday + WEEK * week for week in range(1, 6)]
        assert {late - early for early, late in pairwise(moved)} > {WEEK}
        await care.post(path(booked[0], "cancel"), FOLLOWING, expect=200)


# ---------------------------------------------------------------- booked


async def test_s20_series_of_every_length_whole_or_without_their_conflicts(care: Care) -> None:
    await care.therapist("ana", settings={"session": {"horizon_days": 14}})
    sara = await care.arrives()
    await sara.completes_forms()
    start = await care.slot("ana", "session")
    [alone] = await sara.books("session", start, weeks=1)
    assert alone.booked["series_id"] is None
    body = sara.booking("session", start, weeks=4, skip_conflicts=True)
    rest = await care.post(f"/v1/clients/{sara.id}/appointments", body)
    [skipped] = rest["skipped"]
    assert (skipped["week"], *instants([skipped])) == (1, start)
    assert len(skipped["alternatives"]) == 3
    assert instants(rest["appointments"]) == weekly(start, 4)[1:]

    otto = await care.arrives(name="Otto")
    await otto.completes_forms()
    year = await otto.books("session", start + HOUR, weeks=52)
    assert [one.starts_at for one in year] == weekly(start + HOUR, 52)
    moved = await care.post(path(year[0], "reschedule"), to(year[1].starts_at), expect=200)
    assert instants([moved, *moved["following"]]) == weekly(year[1].starts_at, 52)
    gone = await care.post(path(year[1], "cancel"), FOLLOWING, expect=200)
    assert len(gone["following"]) == 50
    await care.rest()
    assert len(await files_of(care, otto.email, "appointment_cancelled")) == 51
    nothing_left = sara.booking("session", start + WEEK, skip_conflicts=True)
    for weeks, name, status in ((1, "slot-taken", 409), (3, "series-conflict", 409), (0, "validation-failed", 422)):
        where = f"/v1/clients/{sara.id}/appointments"
        await care.refused("POST", where, nothing_left | {"weeks": weeks}, name=name, status=status)
