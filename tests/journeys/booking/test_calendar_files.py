"""One appointment in every calendar: the mails' files, the one to download, and the therapist's feed agree."""

from datetime import timedelta
from typing import Any

from tests.calendars.reading import Told, read
from tests.care.story import Booked, Care

THERAPIST = "ana@practice.example"


async def downloaded(care: Care, appointment: Booked, *, by: str) -> Told:
    answer = await care.call("GET", f"/v1/appointments/{appointment.id}/calendar.ics", by=by, expect=200)
    _, [told] = read(answer.content)
    return told


async def mailed(care: Care, to: str, template: str) -> Told:
    """The file of the newest such mail."""
    [file] = (await care.mails(to=to, template=template))[-1]["attachments"]
    _, [told] = read(file["content"].encode())
    return told


def same(one: Told, other: Told) -> bool:
    """All but the time at which the file was written."""

    def said(told: Told) -> dict[str, Any]:
        lines = {name: (value.to_ical(), dict(value.params)) for name, value in told.event.items()}
        for value in lines.values():
            value[1].pop("TZID", None)  # given another name at each reading
        del lines["DTSTAMP"]
        return lines

    return (said(one), one.starts_at, one.ends_at) == (said(other), other.starts_at, other.ends_at)


async def test_s11_mails_downloads_and_the_feed_tell_the_same(care: Care) -> None:
    sara = await care.client_in_care(sessions=2)
    first, second = sara.session(1), sara.session(2)
    path = (await care.post("/v1/therapists/ana/feed", by="ana"))["url"].removeprefix(care.house.api_url)

    async def feed() -> list[Told]:
        return read((await care.call("GET", path, by=None, expect=200)).content)[1]

    def uids(told: list[Told]) -> list[str]:
        return [str(one.event["UID"]) for one in told]

    intro, *ahead = await feed()
    assert [one.starts_at for one in ahead] == [first.starts_at, second.starts_at]
    assert intro.ends_at < ahead[0].starts_at

    new_start = first.starts_at + timedelta(hours=3)
    await first.moved(new_start)
    await care.rest()
    hers, his = await downloaded(care, first, by="site"), await downloaded(care, first, by="ana")
    assert hers.starts_at == his.starts_at == new_start
    assert hers.event["SEQUENCE"] == his.event["SEQUENCE"] == 1
    assert same(hers, await mailed(care, sara.email, "appointment_rescheduled"))
    assert same(his, await mailed(care, THERAPIST, "appointment_changed"))
    assert [one.starts_at for one in await feed()] == [intro.starts_at, new_start, second.starts_at]

    await second.cancelled()
    await care.rest()
    gone = await downloaded(care, second, by="site")
    assert gone.event["STATUS"] == "CANCELLED"
    assert same(gone, await mailed(care, sara.email, "appointment_cancelled"))
    assert same(await downloaded(care, second, by="ana"), await mailed(care, THERAPIST, "appointment_changed"))
    assert uids(await feed()) == [str(intro.event["UID"]), str(hers.event["UID"])]
