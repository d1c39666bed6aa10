"""Forgotten passwords and new addresses, on the running system: from a page, to the mail, and in again."""

from tests.care.house import PUBLIC_URL
from tests.care.story import Care
from tests.journeys.accounts.arriving import arrived

NEW = "a new and better one"


async def test_a_client_who_forgot_the_password_is_in_again_within_seconds(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    await sara.books("intro_call")
    await care.rest()
    await sara.activates()
    asked = await care.post("/v1/password-resets", {"email": sara.email}, by=None, expect=202)
    unknown = await care.post("/v1/password-resets", {"email": "nobody@example.com"}, by=None, expect=202)
    assert asked == unknown
    [mail] = await arrived(care, "password_reset")
    assert mail["to"] == sara.email
    token = mail["text"].split(f"{PUBLIC_URL}/reset/")[1].split()[0]
    session = await care.post("/v1/passwords", {"token": token, "password": NEW}, by=None, expect=200)
    care.tokens["again"] = session["token"]
    assert (await sara.look(by="again"))["id"] == sara.id
    await care.refused("GET", f"/v1/clients/{sara.id}", by=sara.email, name="unauthenticated", status=401)
    await arrived(care, "password_changed", to=sara.email)
    # The journey goes on, and its timeline holds.
    verified = await care.get(f"/v1/clients/{sara.id}/timeline/verify", by="desk")
    assert verified["valid"] is True
    assert "account_password_changed" in [fact["kind"] for fact in await sara.timeline()]


async def test_whoever_never_activated_gets_the_activation_link_again(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    await sara.books("intro_call")
    await care.rest()
    assert (await care.mail_counts(to=sara.email))["welcome"] == 1
    await care.post("/v1/password-resets", {"email": sara.email}, by=None, expect=202)
    await arrived(care, "welcome", to=sara.email, number=2)
    assert await care.mails(template="password_reset") == []
    await sara.activates()


async def test_a_new_address_goes_through_the_journey_and_is_how_one_signs_in_from_then_on(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    await sara.books("intro_call")
    await care.rest()
    await sara.activates()
    new = "sara.lind@example.com"
    await care.post("/v1/email-changes", {"email": new, "current": "correct horse battery"}, by=sara.email, expect=202)
    [mail] = await arrived(care, "email_confirm")
    token = mail["text"].split(f"{PUBLIC_URL}/email/")[1].split()[0]
    await care.post("/v1/email-changes/confirmations", {"token": token}, by=None, expect=200)
    assert (await sara.look())["email"] == new
    [told] = await arrived(care, "email_changed")
    assert (mail["to"], told["to"]) == (new, sara.email)
    acts = [(fact["kind"], fact["actor"]) for fact in await sara.timeline()]
    assert ("details_changed", f"client:{sara.id}") in acts
    signing_in = {"email": new, "password": "correct horse battery"}
    assert (await care.post("/v1/sessions", signing_in, by=None))["client_id"] == sara.id
