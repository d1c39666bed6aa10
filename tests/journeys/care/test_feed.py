"""The therapist's feed: what is new, for whom, and what is not shown while a client is archived."""

from datetime import timedelta

from tests.care.defaults import Json
from tests.care.story import Care


async def feed(care: Care, slug: str = "ana", **params: str) -> list[Json]:
    """A therapist's feed, oldest first."""
    items: list[Json] = (await care.get("/v1/notifications", by=slug, limit=200, **params))["items"]
    return items[::-1]


async def kinds(care: Care, slug: str = "ana", **params: str) -> list[str]:
    return [entry["kind"] for entry in await feed(care, slug, **params)]


async def test_s39_a_feed_tells_what_others_do_and_is_silent_about_whom_is_archived(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    await sara.books("intro_call")
    [first] = await feed(care)
    assert (first["kind"], first["text"], first["client_id"], first["read_at"]) == (
        "booked", "An intro call with Sara Lind was booked.", sara.id, None
    )  # fmt: skip
    assert first["data"]["appointment_ids"] == [sara.appointments[0].id]
    await care.rest()
    await sara.completes_forms(card="pm_card_chargeCustomerFail")
    await sara.appointments[0].occurs()  # marked by the care team: no news
    assert await kinds(care) == ["booked", "form_completed", "form_completed", "form_completed"]

    # What she does herself is no news to her; what the care team does is.
    await sara.books("session", by="ana")
    await sara.appointments[1].cancelled(by="ana")
    series = await sara.books("session", weeks=3, by="desk", after=timedelta(days=4))
    earlier = series[0].starts_at - timedelta(hours=2)
    await series[0].moved(earlier, by="desk")
    await series[1].cancelled(scope="following")
    told = (await feed(care))[4:]
    assert [entry["kind"] for entry in told] == ["booked", "appointment_rescheduled", "appointment_cancelled"]
    assert [entry["text"] for entry in told] == [
        "3 sessions with Sara Lind were booked.",
        "An appointment with Sara Lind was moved.",
        "2 appointments with Sara Lind were cancelled.",
    ]
    assert told[2]["data"]["appointment_ids"] == [series[1].id, series[2].id]

    # A payment that fails asks for somebody.
    await series[0].occurs()
    await care.pass_time(hours=25)
    payment = (await feed(care))[-1]
    assert (payment["kind"], payment["data"]["payment_id"]) == (
        "payment_needs_attention", (await sara.payments())[0]["id"]
    )  # fmt: skip
    assert "12000" not in f"{payment['text']} {payment['data']}"


async def test_s39_nothing_is_shown_of_whom_is_archived_and_former_clients_are_ones_own_appointments(
    care: Care,
) -> None:
    await care.therapist("ana")
    await care.therapist("ben")
    sara = await care.arrives()
    await sara.books("intro_call")
    await sara.fills_in("informed_consent")
    first = (await feed(care))[0]

    # Read marks: the first reading counts, and nobody reads another's.
    path = f"/v1/notifications/{first['id']}/read"
    read = await care.post(path, by="ana", expect=200)
    await care.pass_time(minutes=5)
    assert await care.post(path, by="ana", expect=200) == read
    assert read["read_at"] is not None
    assert first["id"] not in [entry["id"] for entry in await feed(care, unread="true")]
    assert first["id"] in [entry["id"] for entry in await feed(care)]
    await care.refused("POST", path, by="ben", name="not-found", status=404)
    await care.refused("POST", path, by="desk", name="not-allowed", status=403)
    await care.refused("GET", "/v1/notifications", by="site", name="not-allowed", status=403)
    assert await feed(care, "ben") == []

    # Archived: not shown, whatever happens. Back by a booking: shown again, with what happened and the news itself.
    before = await kinds(care)
    await sara.is_archived()
    await sara.fills_in("initial_consultation")
    assert await feed(care) == []
    await care.refused("POST", path, by="ana", name="not-found", status=404)
    await sara.gives_card()
    await sara.books("session")
    assert await kinds(care) == [*before, "form_completed", "form_completed", "client_back", "booked"]

    # Matched with somebody else: the former therapist keeps the news of own appointments alone.
    body = {"therapist": "ben", "reason": "moves away", "cancel_appointments": True}
    await care.call("PUT", f"/v1/clients/{sara.id}/match", body, by="desk", expect=200)
    await sara.gives_card()
    assert await kinds(care) == ["booked", "booked", "appointment_cancelled"]
    assert await kinds(care, "ben") == ["form_completed"]

    pages: list[str] = []
    query: dict[str, str | int] = {"limit": 2}
    while True:
        page = await care.get("/v1/notifications", by="ana", **query)
        pages += [entry["kind"] for entry in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert pages[::-1] == await kinds(care)
