"""The account and the intake forms: activation, sign-in, reminders, whose form it is, and known addresses."""

from datetime import timedelta

from tests.care.defaults import CARE_TEAM_EMAIL, Json
from tests.care.house import PUBLIC_URL
from tests.care.story import Care, Person

PASSWORD = "correct horse battery"
CONSENT = {"answers": {"agrees": True}, "signature": "Sara Lind"}
BILLING = {"answers": {"billing_name": "Sara Lind", "accepts_fee_policy": True}, "signature": "Sara Lind"}


async def links_of(care: Care, person: Person) -> list[str]:
    """The tokens of every activation link mailed, oldest first."""
    texts = [mail["text"] for mail in await care.mails(to=person.email)]
    return [text.split(f"{PUBLIC_URL}/activate/")[1].split()[0] for text in texts if "/activate/" in text]


async def booked_once(care: Care, name: str = "Sara", *, days: int = 10) -> Person:
    person = await care.arrives(name=name)
    await person.books("intro_call", after=timedelta(days=days))
    await care.rest()
    return person


def use(link: str) -> Json:
    return {"token": link, "password": PASSWORD}


# ---------------------------------------------------------------- activation


async def test_s10_an_activation_link_works_once_and_ends_the_reminders(care: Care) -> None:
    await care.therapist("ana")
    sara = await booked_once(care)
    [link] = await links_of(care, sara)

    activated = await care.post("/v1/activations", use(link), by=None, expect=200)
    assert (activated["client_id"], activated["role"]) == (sara.id, "client")
    care.tokens["by the link"] = activated["token"]
    assert (await sara.look(by="by the link"))["id"] == sara.id  # whoever activates is signed in
    assert (await sara.look())["account_active"] is True
    facts = len(await sara.timeline())
    await care.refused("POST", "/v1/activations", use(link), by=None, name="activation-link-invalid", status=410)
    await care.refused(
        "POST",
        "/v1/activations",
        use(link[:-1] + ("x" if link[-1] != "x" else "y")),
        by=None,
        name="activation-link-invalid",
        status=410,
    )
    path = f"/v1/clients/{sara.id}/activation"
    await care.refused("POST", path, {}, name="activation-link-invalid", status=410)  # there is nothing to activate
    assert len(await sara.timeline()) == facts
    await care.pass_time(days=4)
    assert "activation_reminder" not in await care.mail_counts(to=sara.email)


async def test_s10_an_idle_account_is_reminded_twice_and_an_expired_link_can_be_sent_again(care: Care) -> None:
    await care.therapist("ana")
    sara = await booked_once(care, days=20)
    await care.pass_time(hours=23)
    assert (await care.mail_counts(to=sara.email))["activation_reminder"] == 0
    await care.pass_time(hours=2)
    assert (await care.mail_counts(to=sara.email))["activation_reminder"] == 1
    await care.pass_time(days=2)
    assert (await care.mail_counts(to=sara.email))["activation_reminder"] == 2
    await care.pass_time(days=8)
    assert (await care.mail_counts(to=sara.email))["activation_reminder"] == 2

    old = await links_of(care, sara)
    assert len(set(old)) == 3
    for link in old:
        await care.refused("POST", "/v1/activations", use(link), by=None, name="activation-link-invalid", status=410)
    await care.post(f"/v1/clients/{sara.id}/activation", expect=202)
    await care.rest()
    await care.post(f"/v1/clients/{sara.id}/activation", by="desk", expect=202)
    await care.rest()
    again, newest = (await links_of(care, sara))[3:]
    await care.post("/v1/activations", use(again), by=None, expect=200)
    await care.refused("POST", "/v1/activations", use(newest), by=None, name="activation-link-invalid", status=410)


async def test_signing_in_and_out_and_how_often_one_may_be_wrong(care: Care) -> None:
    await care.therapist("ana")
    sara = await booked_once(care)
    signing_in = {"email": sara.email, "password": PASSWORD}
    # Before the activation there is no account, whatever the password.
    await care.refused("POST", "/v1/sessions", signing_in, by=None, name="unauthenticated", status=401)
    await sara.activates()
    view = await sara.look(by=sara.email)
    assert view["id"] == sara.id
    assert "status" not in view

    session = await care.post("/v1/sessions", {**signing_in, "email": "  SARA@Example.com "}, by=None)
    assert (session["role"], session["client_id"]) == ("client", sara.id)
    care.tokens["second"] = session["token"]
    await care.call("DELETE", "/v1/sessions/current", by="second", expect=204)
    await care.refused("GET", f"/v1/clients/{sara.id}", by="second", name="unauthenticated", status=401)
    await sara.look(by=sara.email)  # the other sign-in lives on
    await care.refused("DELETE", "/v1/sessions/current", by="site", name="not-allowed", status=403)

    wrong = signing_in | {"password": "wrong"}
    for _ in range(9):  # and the one before the activation
        await care.refused("POST", "/v1/sessions", wrong, by=None, name="unauthenticated", status=401)
    answer = await care.call("POST", "/v1/sessions", signing_in, by=None, expect=429)
    assert answer.json()["type"].endswith("/rate-limited")
    assert 0 < int(answer.headers["retry-after"]) <= 900
    nobody = {"email": "nobody@example.com", "password": "wrong"}
    await care.call("POST", "/v1/sessions", nobody, by=None, expect=429)  # nor may the same visitor try elsewhere
    for _ in range(2):  # from the device that has signed in before, the owner is not kept waiting
        again = await care.post("/v1/sessions", signing_in | {"device": session["device"]}, by=None)
        assert again["device"] == session["device"]
    await care.pass_time(minutes=15)
    await care.post("/v1/sessions", signing_in, by=None)

    await care.pass_time(hours=13)  # a sign-in that lies idle ends
    await care.refused("GET", f"/v1/clients/{sara.id}", by=sara.email, name="unauthenticated", status=401)


# ---------------------------------------------------------------- forms


async def test_s12_forms_are_asked_for_once_and_reminded_of_until_they_are_complete(care: Care) -> None:
    await care.therapist("ana")
    sara = await booked_once(care)
    otto = await booked_once(care, "Otto")
    forms = await care.get(f"/v1/clients/{sara.id}/forms", by="site")
    assert sorted((form["kind"], form["status"], form["version"]) for form in forms["items"]) == [
        ("billing_info", "requested", 1), ("informed_consent", "requested", 1), ("initial_consultation", "requested", 1)
    ]  # fmt: skip

    sent = []
    for hours in (23, 2, 46, 4, 24 * 5, 24):  # to 23 h, 25 h, 71 h, 75 h; 8 and 9 days: a day before the call and less
        await care.pass_time(hours=hours)
        sent.append((await care.mail_counts(to=sara.email))["forms_reminder"])
        if sent == [0, 1]:
            await otto.completes_forms()
    assert sent == [0, 1, 1, 2, 2, 3]
    counts = await care.mail_counts(to=otto.email)
    assert (counts["forms_requested"], counts["forms_reminder"]) == (1, 1)

    # Each next appointment is one more occasion; asking is done once.
    await care.until(sara.appointments[0].ends_at)
    await sara.books("session", by="desk", after=timedelta(days=3))
    await care.pass_time(days=2, hours=2)
    counts = await care.mail_counts(to=sara.email)
    assert (counts["forms_requested"], counts["forms_reminder"]) == (1, 4)
    await sara.completes_forms()
    [completed] = [f for f in (await care.get(f"/v1/clients/{sara.id}/forms"))["items"] if f["kind"] == "billing_info"]
    assert completed["status"] == "complete"
    assert completed["completed_at"] is not None
    assert (await sara.look())["card"] == {"brand": "visa", "last4": "4242"} | {
        name: (await sara.look())["card"][name] for name in ("exp_month", "exp_year")
    }


async def test_a_form_and_a_card_are_ones_own(care: Care) -> None:
    await care.therapist("ana")
    sara = await booked_once(care)
    otto = await booked_once(care, "Otto")
    await sara.activates()
    await otto.activates()
    theirs = f"/v1/clients/{otto.id}"
    for method, path, body in (
        ("PUT", "forms/informed_consent", CONSENT),
        ("GET", "forms", None),
        ("POST", "card-setup", {}),
        ("GET", "payments", None),
        ("POST", "activation", {}),
        ("POST", "appointments", otto.booking("session", await care.slot("ana", "session"))),
        ("PATCH", "", {"first_name": "Eve"}),
    ):
        where = f"{theirs}/{path}".rstrip("/")
        await care.refused(method, where, body, by=sara.email, name="not-found", status=404)
    assert (await otto.look())["outstanding_forms"] == ["informed_consent", "initial_consultation", "billing_info"]

    setup = await otto.saves_card()
    for given in (setup, "seti_unknown"):
        problem = await care.refused(
            "PUT",
            f"/v1/clients/{sara.id}/forms/billing_info",
            BILLING | {"setup_intent": given},
            by=sara.email,
            name="validation-failed",
            status=422,
        )
        assert [error["field"] for error in problem["errors"]] == ["setup_intent"]
    # One that the browser has not confirmed is not believed either.
    own = await care.post(f"/v1/clients/{sara.id}/card-setup", by=sara.email)
    problem = await care.refused(
        "PUT",
        f"/v1/clients/{sara.id}/forms/billing_info",
        BILLING | {"setup_intent": own["setup_intent"]},
        by=sara.email,
        name="validation-failed",
        status=422,
    )
    assert "requires_payment_method" in problem["detail"]
    assert "billing_info" in (await sara.look())["outstanding_forms"]
    await care.call("PUT", f"/v1/clients/{sara.id}/forms/informed_consent", CONSENT, by=sara.email, expect=200)


async def test_s40_forms_of_an_archived_client_are_suspended_in_silence_and_resume(care: Care) -> None:
    await care.therapist("ana")
    sara = await booked_once(care, days=20)
    await sara.activates()
    await sara.is_archived()
    path = f"/v1/clients/{sara.id}/forms"
    assert {form["status"] for form in (await care.get(path))["items"]} == {"suspended"}
    assert {form["status"] for form in (await care.get(path, by=sara.email))["items"]} == {"requested"}
    await care.pass_time(days=2)
    assert (await care.mail_counts(to=sara.email))["forms_reminder"] == 0

    session = await care.post("/v1/sessions", {"email": sara.email, "password": PASSWORD}, by=None)  # S57: still theirs
    care.tokens[sara.email] = session["token"]
    await sara.fills_in("informed_consent", by=sara.email)
    await sara.is_unarchived()
    assert {form["kind"]: form["status"] for form in (await care.get(path))["items"]} == {
        "billing_info": "requested", "informed_consent": "complete", "initial_consultation": "requested"
    }  # fmt: skip
    await care.pass_time(days=2)  # the first reminder's time is past, the second's is not
    assert (await care.mail_counts(to=sara.email))["forms_reminder"] == 1


# ---------------------------------------------------------------- known addresses


async def test_s68_staff_are_told_of_an_address_in_use_and_a_public_form_tells_nothing(care: Care) -> None:
    await care.therapist("ana")
    sara = await booked_once(care)
    await sara.activates()
    await care.rest()
    by_hand = {"source": "care_team", "therapist": "ana", "client": sara.details | {"email": "SARA@example.com"}}
    problem = await care.refused("POST", "/v1/journeys", by_hand, by="desk", name="email-in-use")
    assert problem["detail"] == "Email in use."
    assert (problem["client_id"], problem["client_status"]) == (sara.id, "active")
    assert (problem["name"], problem["status"], "activate" in problem) == ("Sara Lind", 409, False)
    assert len((await care.get("/v1/clients"))["items"]) == 1

    before = await care.mail_counts(to=sara.email)
    double = await care.arrives(name="Sara")
    answer = await care.call(
        "POST",
        f"/v1/clients/{double.id}/appointments",
        double.booking("intro_call", await care.slot("ana", "intro_call")),
        expect=201,
    )
    ordinary = await care.arrives(name="Otto")
    other = await care.call(
        "POST",
        f"/v1/clients/{ordinary.id}/appointments",
        ordinary.booking("intro_call", await care.slot("ana", "intro_call", number=3)),
        expect=201,
    )
    assert answer.json().keys() == other.json().keys()
    assert answer.json()["appointments"][0].keys() == other.json()["appointments"][0].keys()
    await care.rest()
    assert await care.mail_counts(to=sara.email) - before == {
        "already_known": 1, "booking_confirmation": 1, "forms_requested": 1
    }  # fmt: skip
    [task] = await care.tasks()
    assert (task["kind"], task["client_id"]) == ("possible_duplicate", double.id)
    refs = [(await sara.look())["ref"], (await double.look())["ref"]]
    assert all(ref in task["text"] for ref in refs)
    # The account stays the one it was: its double is neither asked nor able to activate.
    await care.pass_time(days=4)
    assert (await care.mail_counts(to=sara.email))["activation_reminder"] == 0
    await care.post("/v1/sessions", {"email": sara.email, "password": PASSWORD}, by=None)

    taken = {"email": sara.email}
    problem = await care.refused("PATCH", f"/v1/clients/{ordinary.id}", taken, by="desk", name="email-in-use")
    assert problem["client_id"] == sara.id
    await sara.is_archived()
    problem = await care.refused("POST", "/v1/journeys", by_hand, by="desk", name="email-in-use")
    assert problem["client_status"] == "archived"
    assert problem["ref"] == (await sara.look())["ref"]
    method, path = problem["activate"].split()  # so that staff can offer it
    await care.call(method, path, by="desk", expect=200)
    assert await sara.stage() != "archived"


# ---------------------------------------------------------------- test clients


async def test_s16_a_test_client_is_marked_everywhere_and_costs_nobody_anything(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives("care_team", by="desk", test=True)
    assert (await sara.look())["test"] is True
    await sara.books("intro_call")
    await care.rest()
    [welcome] = await care.mails(template="welcome")
    link = welcome["text"].split(f"{PUBLIC_URL}/activate/")[1].split()[0]
    await care.post("/v1/activations", use(link), by=None, expect=200)
    await sara.fills_in("informed_consent")
    await sara.fills_in("initial_consultation")
    setup = await care.post(f"/v1/clients/{sara.id}/card-setup")
    await sara.fills_in("billing_info", setup_intent=setup["setup_intent"])
    await sara.appointments[0].occurs()
    [session] = await sara.books("session")
    await session.occurs()
    await care.pass_time(hours=30)

    [payment] = await sara.payments()
    assert (payment["status"], payment["amount"]) == ("paid", 12000)
    state = await care.stripe()
    assert all(state[kind] == [] for kind in ("customers", "setup_intents", "payment_intents", "refunds"))
    mails = await care.mails()
    assert {mail["template"] for mail in mails} >= {"welcome", "booking_confirmation", "appointment_booked", "receipt"}
    assert {mail["to"] for mail in mails} == {CARE_TEAM_EMAIL}
    assert all(mail["subject"].startswith("[TEST] ") for mail in mails)
