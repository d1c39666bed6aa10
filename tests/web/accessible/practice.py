"""A practice with something on every page: made through the API, as its people would."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from playwright.async_api import Browser

from tests.web.people import Site, Somebody

THERAPIST, DESK, OWNER = "ana@practice.example", "care@practice.example", "owner@practice.example"
FORM = "every_kind"
QUESTIONS: list[dict[str, Any]] = [
    {"name": "nick", "label": "What we call you", "type": "text", "required": True},
    {"name": "story", "label": "Your story", "type": "long_text"},
    {"name": "sleep", "label": "How you sleep", "type": "choice", "options": ["Well", "Badly"], "required": True},
    {
        "name": "why",
        "label": "What keeps you awake",
        "type": "choices",
        "options": ["Noise", "Worry"],
        "when": {"field": "sleep", "is": ["Badly"]},
    },
    {"name": "mood", "label": "Your mood", "type": "scale", "least": 0, "most": 10, "required": True},
    {"name": "born", "label": "Date of birth", "type": "date"},
    {"name": "scans", "label": "Referrals", "type": "file"},
    {"name": "agrees", "label": "I agree to be written to", "type": "agreement", "required": True},
]


@dataclass
class Practice:
    """What a test needs to know of it. ``client`` has signed in, and is in the middle of care."""

    site: Site
    client: Somebody
    client_id: str
    token: str

    async def says(self, method: str, path: str, body: object = None) -> Any:
        """As the client."""
        return await self.site.api(method, path, body, key=self.token)

    async def desk(self, method: str, path: str, body: object = None) -> Any:
        return await self.site.api(method, path, body)

    async def therapist(self, method: str, path: str, body: object = None) -> Any:
        made = await self.site.api("POST", "/v1/therapists/ana-silva/tokens", key="dev-admin")
        return await self.site.api(method, path, body, key=made["token"])

    async def first_slot(self, type: str = "session", *, after: timedelta = timedelta()) -> str:
        start = (await self.site.now() + after).date()
        asked = f"type={type}&time_zone=UTC&from={start}&to={start + timedelta(days=6)}"
        found = await self.site.api("GET", f"/v1/therapists/ana-silva/slots?{asked}")
        return str(found["days"][0]["slots"][0]["starts_at"])

    async def books(self, client_id: str, *, after: timedelta = timedelta()) -> Any:
        body = {"type": "session", "starts_at": await self.first_slot(after=after), "mode": "video"}
        made = await self.desk("POST", f"/v1/clients/{client_id}/appointments", body)
        return made["appointments"][0]

    async def adds(self, name: str, **more: Any) -> str:
        """A client who called."""
        body = {
            "source": "care_team",
            "therapist": "ana-silva",
            "client": {
                "first_name": name,
                "last_name": "Berg",
                "email": f"{name.lower()}.berg@mail.example",
                "phone": "+12125550103",
                "time_zone": "America/New_York",
            },
        }
        return str((await self.desk("POST", "/v1/journeys", body | more))["client_id"])


async def with_a_client(site: Site, client: Somebody) -> Practice:
    """Nothing but one client who has just activated."""
    await client.books("ana-silva", first_name="Alma")
    await client.activates()
    [cookie] = [one for one in await client.context.cookies() if one.get("name", "").startswith("client-")]
    [found] = (await site.api("GET", f"/v1/clients?q={client.email}"))["items"]
    return Practice(site, client, found["id"], cookie.get("value", ""))


async def filled(practice: Practice, browser: Browser) -> None:
    """The same practice weeks later, with something everywhere."""
    await _signs_everything(practice)
    await _is_asked_for_a_form(practice)
    paid = await practice.books(practice.client_id)
    await _shares(practice, paid)
    await practice.site.advance(datetime.fromisoformat(paid["ends_at"]) - await practice.site.now())
    await practice.therapist("POST", f"/v1/appointments/{paid['id']}/outcome", {"outcome": "occurred"})
    await practice.therapist("POST", f"/v1/appointments/{paid['id']}/note", {"text": "Sleeps better.", "shared": True})
    await practice.site.advance(timedelta(hours=26))
    await practice.client.signs_in()  # the sign-in of before has ended
    [cookie] = [one for one in await practice.client.context.cookies() if one.get("name", "").startswith("client-")]
    practice.token = cookie.get("value", "")
    await practice.books(practice.client_id, after=timedelta(days=2))
    await practice.books(practice.client_id, after=timedelta(days=9))
    await _of_the_care_team(practice)
    await _of_owners(practice)
    await _mails(practice, browser)


async def _signs_everything(practice: Practice) -> None:
    forms = f"/v1/clients/{practice.client_id}/forms"
    name = "Alma Lind"
    await practice.says("PUT", f"{forms}/informed_consent", {"answers": {"agrees": True}, "signature": name})
    answers: dict[str, Any] = {"reason": "Work", "emergency_contact": {"name": "Jo Lind", "phone": "+12125550101"}}
    await practice.says("PUT", f"{forms}/initial_consultation", {"answers": answers, "signature": name})
    setup = await practice.says("POST", f"/v1/clients/{practice.client_id}/card-setup")
    confirmed = await practice.site.http.post(
        f"{practice.site.stack.sandbox_url}/stripe/v1/setup_intents/{setup['setup_intent']}/confirm",
        headers={"Authorization": "Bearer pk_test_browser"},
        data={"payment_method": "pm_card_visa", "client_secret": setup["client_secret"]},
    )
    confirmed.raise_for_status()
    answers = {"billing_name": name, "accepts_fee_policy": True}
    body = {"setup_intent": setup["setup_intent"], "answers": answers, "signature": name}
    await practice.says("PUT", f"{forms}/billing_info", body)


async def _is_asked_for_a_form(practice: Practice) -> None:
    """Twice: once it is filled in, with a file, and once it waits."""
    made = {"kind": FORM, "title": "Every kind of question", "fields": QUESTIONS}
    await practice.desk("POST", "/v1/form-templates", made)
    await practice.desk("POST", f"/v1/clients/{practice.client_id}/forms", {"kind": FORM})
    sent = await practice.site.http.post(
        f"{practice.site.stack.api_url}/v1/clients/{practice.client_id}/uploads",
        headers={"Authorization": f"Bearer {practice.token}"},
        data={"kind": FORM, "field": "scans"},
        files={"file": ("scan.pdf", b"%PDF-1.4\n%%EOF", "application/pdf")},
    )
    sent.raise_for_status()
    answers = {
        "nick": "Al",
        "sleep": "Badly",
        "why": ["Worry"],
        "mood": 4,
        "agrees": True,
        "scans": [sent.json()["id"]],
    }
    body = {"answers": answers, "signature": "Alma Lind"}
    await practice.says("PUT", f"/v1/clients/{practice.client_id}/forms/{FORM}", body)
    await practice.desk("POST", f"/v1/clients/{practice.client_id}/forms", {"kind": FORM})


async def _shares(practice: Practice, appointment: Any) -> None:
    """What is between sessions."""
    chat = await practice.therapist("POST", "/v1/chats", {"kind": "direct", "members": [practice.client_id]})
    await practice.therapist("POST", f"/v1/chats/{chat['id']}/messages", {"text": "How was your week?\nWrite to me."})
    await practice.says("POST", f"/v1/chats/{chat['id']}/messages", {"text": "Better, thank you."})
    goal = {"text": "A walk at noon", "remind": {"weekday": "wed", "at": "11:45"}}
    await practice.therapist("POST", f"/v1/clients/{practice.client_id}/goals", goal)
    made = await practice.site.api("POST", "/v1/therapists/ana-silva/tokens", key="dev-admin")
    sent = await practice.site.http.post(
        f"{practice.site.stack.api_url}/v1/documents",
        headers={"Authorization": f"Bearer {made['token']}"},
        files={"file": ("breathing.txt", b"Breathe in for four, out for six.", "text/plain")},
    )
    sent.raise_for_status()
    shared = {"client_id": practice.client_id}
    await practice.therapist("POST", f"/v1/documents/{sent.json()['id']}/shares", shared)
    first = (await practice.site.now()).date()
    wish = {
        "client_id": practice.client_id,
        "type": "session",
        "from": str(first),
        "to": str(first + timedelta(days=20)),
    }
    await practice.desk("POST", "/v1/therapists/ana-silva/waitlist", wish)


async def _of_the_care_team(practice: Practice) -> None:
    group = await practice.desk("POST", "/v1/groups", {"name": "Tuesday evening"})
    otto, pia = await practice.adds("Otto"), await practice.adds("Pia", test=True)
    for client_id in (otto, pia, practice.client_id):
        await practice.desk("PATCH", f"/v1/clients/{client_id}", {"group": group["id"]})
    await practice.desk("POST", "/v1/archives", {"client_ids": [await practice.adds("Uwe"), pia]})
    nobody_fits = {"state": "AK", "modality": "individual", "languages": ["en"]}
    begun = {"source": "matching_form", "answers": nobody_fits, "client": {"email": "nora@mail.example"}}
    await practice.desk("POST", "/v1/journeys", begun)
    await practice.desk("POST", "/v1/reconciliations")
    credit = {"amount": 2000, "currency": "USD", "reason": "Goodwill"}
    await practice.desk("POST", f"/v1/clients/{practice.client_id}/credits", credit)


async def _of_owners(practice: Practice) -> None:
    closed = {"closures": [{"date": f"{(await practice.site.now()).year + 1}-07-04", "name": "Summer"}]}
    await practice.site.api("POST", "/v1/closures", closed, key="dev-admin")
    invited = {"name": "Nils Ode", "email": "nils@practice.example", "roles": ["care_team"]}
    await practice.site.api("POST", "/v1/staff", invited, key="dev-admin")


async def _mails(practice: Practice, browser: Browser) -> None:
    """Those with links that are for whoever has them."""
    async with Somebody.at(practice.site, browser) as somebody:
        for path, email in (("/reset", practice.client.email), ("/staff/reset", THERAPIST)):
            await somebody.goes(path)
            await somebody.types("E-mail", email)
            await somebody.presses("Send")
        somebody.email = practice.client.email  # books again without a sign-in: two records may be one person
        await somebody.books("ben-okafor", first_name="Alma")


async def by_their_ids(site: Site) -> dict[str, list[str]]:
    """Pages that few links lead to, by whom they are for: of what is made for them here."""
    details = {"first_name": "Nils", "last_name": "Berg", "email": "nils@mail.example", "phone": "+1 212 555 0111"}
    body = {"source": "care_team", "therapist": "ana-silva", "client": details | {"time_zone": "America/New_York"}}
    client = (await site.api("POST", "/v1/journeys", body))["client_id"]
    archive = (await site.api("POST", "/v1/archives", {"client_ids": [client]}))["archive_id"]
    while (await site.api("GET", f"/v1/archives/{archive}"))["status"] == "running":
        await site.advance(timedelta(seconds=5))
    now = await site.now()
    times = {"starts_at": (now + timedelta(days=40)).isoformat(), "ends_at": (now + timedelta(days=41)).isoformat()}
    leave = (await site.api("POST", "/v1/therapists/ana-silva/leaves", times))["id"]
    held = (await site.api("GET", "/v1/appointments?therapist=ana-silva&limit=1"))["items"][0]["id"]
    text = await site.api("GET", "/v1/texts/informed_consent", key="dev-admin")
    fields = [{name: value for name, value in one.items() if value not in (None, [])} for one in text["fields"]]
    draft = {"title": text["title"], "body": f"{text['source']}\n\nAsk us.", "fields": fields}
    await site.api("PUT", "/v1/texts/informed_consent", draft, key="dev-admin")
    return {
        "": ["/out/nothing"],
        THERAPIST: [f"/staff/hours/leave/{leave}", f"/staff/meet/{held}"],
        DESK: [f"/staff/archives/{archive}", f"/staff/clients/{client}/activate/preview"],
        OWNER: ["/staff/texts/informed_consent/preview"],
    }
