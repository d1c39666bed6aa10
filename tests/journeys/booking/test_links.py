"""How the two will meet: on the appointment, in the mails and in the calendar; and a link that changes meanwhile."""

from datetime import timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from api.engine import JourneyEngine
from api.problems import EngineUnavailable
from tests.calendars.reading import Told, read
from tests.care.defaults import Json
from tests.care.story import Booked, Care
from tests.journeys.refused import seen
from workflows.messages import LINKS_CHANGED, LinksSignal

OLD = "https://zoom.example/j/old"
NEW = "https://zoom.example/j/new"
NEWER = "https://zoom.example/j/newer?pwd=1&x=2"
THERAPIST = "ana@practice.example"
WITHHELD = "The call may come from a withheld number"


async def link_is(care: Care, link: str | None, *, by: str = "ana", expect: int = 200) -> Json:
    answer = await care.call("PATCH", "/v1/therapists/ana", {"zoom_link": link}, by=by, expect=expect)
    body: Json = answer.json()
    return body


async def newest(care: Care, to: str, template: str) -> Json:
    return (await care.mails(to=to, template=template))[-1]


def files_of(mail: Json) -> list[Told]:
    return sorted(
        (read(file["content"].encode())[1][0] for file in mail["attachments"]), key=lambda told: told.starts_at
    )


async def file_now(care: Care, appointment: Booked) -> Told:
    answer = await care.call("GET", f"/v1/appointments/{appointment.id}/calendar.ics", expect=200)
    return read(answer.content)[1][0]


async def test_s17_s18_each_mode_is_on_the_appointment_in_the_mails_and_in_the_calendar(care: Care) -> None:
    await care.therapist("ana", zoom_link=OLD)
    sara = await care.arrives()
    await sara.completes_forms()
    for day, (type, mode) in enumerate(product(("intro_call", "session"), ("phone", "video", "zoom")), start=3):
        [booked] = await sara.books(type, by="desk", mode=mode, after=timedelta(days=day))
        await care.rest()
        url = {"phone": None, "video": f"http://portal.example/meet/{booked.id}", "zoom": OLD}[mode]
        assert (booked.booked["mode"], booked.booked["join_url"]) == (mode, url)
        to_client = await newest(care, sara.email, "booking_confirmation")
        to_therapist = await newest(care, THERAPIST, "appointment_booked")
        for mail in (to_client, to_therapist):
            [told] = files_of(mail)
            event = " ".join(str(told.event.get(name, "")) for name in ("DESCRIPTION", "LOCATION", "URL"))
            said = mail["text"] + mail["html"] + event
            assert (url or "By phone") in mail["text"]
            assert (url or "By phone") in mail["html"]
            assert (url or "phone") in event
            assert ("zoom.example" in said, "/meet/" in said) == (mode == "zoom", mode == "video")
        # Who calls is the therapist: only the other one has to know what the display will say.
        is_told = [WITHHELD in mail["text"] and WITHHELD in mail["html"] for mail in (to_client, to_therapist)]
        assert is_told == [mode == "phone", False]
        assert ("withheld" in str(files_of(to_client)[0].event["DESCRIPTION"])) == (mode == "phone")


async def the_therapists_calendar_hears(care: Care, *of_each: list[Booked]) -> None:
    """Of each client by one mail, in the order in which they were told."""
    mails = await care.mails(to=THERAPIST, template="appointment_changed")
    mails = [mail for mail in mails if "joined by a new link" in mail["text"].lower()]
    files = [files_of(mail) for mail in mails]
    by_start = [[(one.starts_at, 1) for one in theirs] for theirs in of_each]
    told = [[(file.starts_at, int(file.event["SEQUENCE"])) for file in some] for some in files]
    assert sorted(told) == sorted(by_start)
    assert {str(file.event["ATTENDEE"]).lower() for some in files for file in some} == {f"mailto:{THERAPIST}"}
    assert [mail["text"].count(NEW) for mail in mails] == [len(some) for some in files]
    assert not [mail for mail in mails if OLD in mail["text"]]


async def the_feed_has_it(care: Care, *appointments: Booked) -> None:
    """What a therapist's calendar program has subscribed to."""
    feed = (await care.post("/v1/therapists/ana/feed", by="ana"))["url"]
    subscribed = {str(told.event["UID"]): told.event for told in read((await care.http.get(feed)).content)[1]}
    for one in appointments:
        event = subscribed[f"{one.id}@care-journeys"]
        assert (str(event["URL"]), event["SEQUENCE"]) == (NEW, 1)


async def test_a_new_link_reaches_the_appointments_ahead_and_no_others(care: Care) -> None:
    await care.therapist("ana", zoom_link=OLD)
    sara = await care.client_in_care(sessions=1)
    [soon] = sara.appointments
    [past] = await sara.books("session", by="desk", mode="zoom", after=timedelta(days=2))
    ahead = await sara.books("session", by="desk", mode="zoom", after=timedelta(days=5), weeks=3)
    gone = ahead.pop(1)
    await gone.cancelled()
    [phone] = await sara.books("session", by="desk", mode="phone", after=timedelta(days=7))
    otto = await care.arrives(name="Otto")
    [ottos] = await otto.books("session", by="desk", mode="zoom", after=timedelta(days=8))
    eva = await care.arrives(name="Eva")
    await eva.books("session", by="desk", mode="video", after=timedelta(days=9))
    # Otto's therapist is another one by now; what is ahead with Ana is still with Ana.
    await care.therapist("ben")
    change = {"therapist": "ben", "reason": "evenings"}
    await care.call("PUT", f"/v1/clients/{otto.id}/match", change, by="desk", expect=200)
    await care.until(past.starts_at + timedelta(minutes=1))
    others = {one.id: await one.look() for one in (past, gone, phone, soon)}

    await link_is(care, NEW)
    await care.rest()
    await the_feed_has_it(care, *ahead, ottos)
    for one in (*ahead, ottos):
        assert (await one.look())["join_url"] == NEW
        told = await file_now(care, one)
        assert told.event["SEQUENCE"] == 1
        assert NEW in str(told.event["DESCRIPTION"])
    assert {one.id: await one.look() for one in (past, gone, phone, soon)} == others
    assert await care.mails(to=eva.email, template="appointment_updated") == []
    for person, theirs in ((sara, ahead), (otto, [ottos])):
        [mail] = await care.mails(to=person.email, template="appointment_updated")
        assert mail["text"].count(NEW) == len(theirs)
        assert OLD not in mail["text"]
        files = files_of(mail)
        assert [told.starts_at for told in files] == [one.starts_at for one in theirs]
        assert {int(told.event["SEQUENCE"]) for told in files} == {1}
        assert [str(told.event["UID"]) for told in files] == [
            str((await file_now(care, one)).event["UID"]) for one in theirs
        ]
        [fact] = [fact for fact in await person.timeline() if fact["kind"] == "links_changed"]
        assert (fact["actor"], fact["data"]["appointments"]) == ("therapist:ana", [one.id for one in theirs])

    await the_therapists_calendar_hears(care, ahead, [ottos])

    # The same again is no news, nor is what has nothing to do with it.
    before = await seen(care, sara), await otto.timeline()
    await link_is(care, NEW)
    await link_is(care, NEW, by="desk")
    await care.call("PATCH", "/v1/therapists/ana", {"name": "Ana Silva"}, by="ana", expect=200)
    problem = await link_is(care, None, expect=422)  # it is needed
    assert [error["field"] for error in problem["errors"]] == ["zoom_link"]
    await care.rest()
    assert (await seen(care, sara), await otto.timeline()) == before

    # What is booked from now on has the new one; a moved appointment's file goes on counting.
    await care.call("PUT", f"/v1/clients/{otto.id}/match", change | {"therapist": "ana"}, by="desk", expect=200)
    [next_one] = await otto.books("session", by="desk", mode="zoom", after=timedelta(days=10))
    assert next_one.booked["join_url"] == NEW
    await ahead[0].moved(ahead[0].starts_at + timedelta(hours=3), by="ana")
    assert (await file_now(care, ahead[0])).event["SEQUENCE"] == 2


async def test_whoever_was_missed_because_the_engine_was_away_is_told_by_the_next_change(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    await care.therapist("ana", zoom_link=OLD)
    people = [await care.arrives(name=name) for name in ("Sara", "Otto", "Eva")]
    for number, person in enumerate(people):
        await person.books("session", mode="zoom", after=timedelta(days=3 + number))
    await care.rest()
    signal, told = JourneyEngine.signal, 0

    async def away_after_one(engine: JourneyEngine, *said: Any) -> Any:
        nonlocal told
        if told:
            raise EngineUnavailable
        told += 1
        return await signal(engine, *said)

    with monkeypatch.context() as patch:
        patch.setattr(JourneyEngine, "signal", away_after_one)
        await care.refused(
            "PATCH", "/v1/therapists/ana", {"zoom_link": NEW}, by="desk", name="engine-unavailable", status=503
        )
    await care.rest()
    assert (await care.get("/v1/therapists/ana"))["zoom_link"] == NEW  # it is saved all the same
    assert len(await care.mails(template="appointment_updated")) == 1

    await link_is(care, NEW)
    await care.rest()
    for person in people:
        [mail] = await care.mails(to=person.email, template="appointment_updated")
        assert NEW in mail["text"]
        assert (await person.session(1).look())["join_url"] == NEW
    await link_is(care, NEWER)
    await care.rest()
    assert len(await care.mails(template="appointment_updated")) == 6


async def test_news_of_a_link_is_taken_once_and_nonsense_is_dropped(care: Care) -> None:
    await care.therapist("ana", zoom_link=OLD)
    sara = await care.arrives()
    [ahead] = await sara.books("session", mode="zoom")
    [second] = await sara.books("session", by="desk", mode="zoom", after=timedelta(days=5))
    await link_is(care, NEW)
    await care.rest()
    facts = await sara.facts()
    news = LinksSignal(request_id=str(uuid4()), therapist="ana", by="therapist:ana")
    for nonsense in (news, LinksSignal(request_id="\x00", therapist="ana", by="x"), {"therapist": 5}):
        await sara.journey.signal(LINKS_CHANGED, nonsense)
    await sara.journey.signal(LINKS_CHANGED, LinksSignal(request_id=str(uuid4()), therapist="nobody", by="x"))
    await care.rest()
    assert await sara.facts() == facts
    # A link that waits in the box is told of only where it is still needed.
    await ahead.cancelled()
    await link_is(care, NEWER)
    await care.rest()
    mail = await newest(care, sara.email, "appointment_updated")
    assert [told.starts_at for told in files_of(mail)] == [second.starts_at]
    await sara.is_archived()
    await link_is(care, OLD)
    await care.rest()
    assert len(await care.mails(template="appointment_updated")) == 2
