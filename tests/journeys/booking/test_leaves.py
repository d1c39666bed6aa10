"""A therapist's leave: clients are told once, neutrally; what is moved before the mail goes is not told of."""

from datetime import datetime, timedelta
from typing import Any

from tests.care.defaults import Json
from tests.care.story import Booked, Care

WHY = "an operation"


async def leave(care: Care, *booked: Booked, by: str = "ana", **more: Any) -> Json:
    """Ana is away on the days of these, and says why."""
    starts = [one.starts_at for one in booked]
    away = {
        "starts_at": (min(starts) - timedelta(hours=1)).isoformat(),
        "ends_at": (max(starts) + timedelta(hours=3)).isoformat(),
        "reason": WHY,
    }
    return await care.post("/v1/therapists/ana/leaves", away | more, by=by)


async def notices(care: Care, email: str) -> list[Json]:
    await care.rest()
    return await care.mails(to=email, template="leave_notice")


async def test_each_client_is_told_which_times_and_how_to_move_them(care: Care) -> None:
    sara = await care.client_in_care(sessions=3)
    first, second, _ = sara.appointments
    told = await leave(care, first, second, notify=True)
    touched = [one["id"] for one in told["appointments"]]
    assert touched == [first.id, second.id]  # and not the third
    [mail] = await notices(care, sara.email)
    assert mail["subject"] == "2 of your appointments need another time"
    assert "http://portal.example/appointments" in mail["text"]
    for said in (mail["text"], mail["html"], mail["subject"]):
        assert WHY not in said
        assert "leave" not in said.lower().replace("please", "")
    assert {one["status"] for one in [await one.look() for one in sara.appointments]} == {"scheduled"}

    # The client moves one alone, and there is no time in it any more; the practice still may book there.
    free = await care.slots("ana", "session", after=timedelta(days=1))
    away = [datetime.fromisoformat(told[name]) for name in ("starts_at", "ends_at")]
    assert not [slot for slot in free if away[0] < slot + timedelta(minutes=50) and slot < away[1]]
    await first.moved(await care.slot("ana", "session", after=timedelta(days=9)), by="site")
    assert [fact for fact in await sara.facts() if fact == "appointment_rescheduled"]
    left = await care.get(f"/v1/therapists/ana/leaves/{told['id']}", by="ana")
    assert [one["id"] for one in left["appointments"]] == [second.id]
    assert len(await notices(care, sara.email)) == 1


async def test_a_mistaken_leave_is_taken_back(care: Care) -> None:
    sara = await care.client_in_care(sessions=1)
    free = await care.slots("ana", "session", after=timedelta(days=1))
    told = await leave(care, sara.session(1))
    assert await care.slots("ana", "session", after=timedelta(days=1)) != free
    await care.call("DELETE", f"/v1/therapists/ana/leaves/{told['id']}", by="ana", expect=204)
    assert await care.slots("ana", "session", after=timedelta(days=1)) == free
    assert await notices(care, sara.email) == []
