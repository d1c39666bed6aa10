"""A forgotten password, on the running system: from the page where one signs in, to the mail, and in again."""

from tests.care.house import PUBLIC_URL
from tests.care.story import Care

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
    await care.rest()
    [mail] = await care.mails(template="password_reset")
    assert mail["to"] == sara.email
    token = mail["text"].split(f"{PUBLIC_URL}/reset/")[1].split()[0]
    session = await care.post("/v1/passwords", {"token": token, "password": NEW}, by=None, expect=200)
    care.tokens["again"] = session["token"]
    assert (await sara.look(by="again"))["id"] == sara.id
    await care.refused("GET", f"/v1/clients/{sara.id}", by=sara.email, name="unauthenticated", status=401)
    await care.rest()
    assert (await care.mail_counts(to=sara.email))["password_changed"] == 1
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
    await care.rest()
    counts = await care.mail_counts(to=sara.email)
    assert (counts["welcome"], counts["password_reset"]) == (2, 0)
    await sara.activates()
