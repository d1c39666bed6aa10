"""A client without an account, from the form to the activation: what the site does for them, by the pass it has."""

from datetime import timedelta

from tests.care.story import Care, key


async def test_a_pass_opens_the_first_booking_and_ends_with_the_activation(care: Care) -> None:
    await care.therapist("ana", intro_calls="off")
    sara = await care.arrives(name="Sara")
    site, path = {"On-Behalf-Of": f"Bearer {sara.answer['pass']}"}, f"/v1/clients/{sara.id}/appointments"
    start, later = await care.slot("ana", "session"), await care.slot("ana", "session", number=4)

    booking, once = sara.booking("session", start), site | key()
    booked = await care.post(path, booking, headers=once)
    assert await care.post(path, booking, headers=once) == booked
    [first] = booked["appointments"]
    assert first["booked_by"] == f"client:{sara.id} by pass"
    assert not first.keys() & {"payment", "outstanding_forms"}

    # Another one waits for the forms; and where the practice has filled them in, for the account.
    again = sara.booking("session", later)
    refused = (await care.call("POST", path, again, headers=site, expect=409)).json()
    assert refused["type"].endswith("/intake-forms-incomplete")
    for kind in ("informed_consent", "initial_consultation"):
        await sara.fills_in(kind, by="desk")
    await sara.gives_card(by="desk")
    refused = (await care.call("POST", path, again, headers=site, expect=403)).json()
    assert "activate the account" in refused["detail"]
    assert await care.post(path, booking, headers=once) == booked  # said again it is no other one

    # What was booked with it is moved and cancelled with it; what the practice books is not.
    moved = {"starts_at": later.isoformat(), "reason": "a journey"}
    await care.call("POST", f"/v1/appointments/{first['id']}/reschedule", moved, headers=site, expect=200)
    [desks] = await sara.books("session", later + timedelta(days=7), by="desk")
    await care.call("POST", f"/v1/appointments/{desks.id}/cancel", {}, headers=site, expect=404)
    await care.call("POST", f"/v1/clients/{sara.id}/activation", {}, headers=site, expect=202)
    actors = {fact["kind"]: fact["actor"] for fact in await sara.timeline()}
    assert actors["journey_started"] == "booking_site:site"
    assert actors["appointment_rescheduled"] == f"client:{sara.id} by pass"
    assert (await care.get(f"/v1/clients/{sara.id}/timeline/verify"))["valid"]

    await care.rest()
    await sara.activates()
    await care.call("GET", f"/v1/clients/{sara.id}", headers=site, expect=401)
    signed_in = {"On-Behalf-Of": f"Bearer {care.tokens[sara.email]}"}
    await care.call("POST", f"/v1/appointments/{desks.id}/cancel", {}, headers=signed_in, expect=200)
