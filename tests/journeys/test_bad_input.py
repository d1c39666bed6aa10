"""Bad input in a body: a problem document that names the field and says why; nothing is changed, nothing breaks."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from rules.accounts.passwords import LONGEST_TYPED
from tests.care.defaults import Json
from tests.care.story import ANSWERS, Care, Person
from tests.journeys.refused import Bad, field_by_field, nothing_comes_of, wrong_with

NOBODY = "00000000-0000-4000-8000-000000000000"
FAR = "9999-12-31T23:59:59Z"


async def test_a_new_journey(care: Care, sara: Person) -> None:
    def requests() -> Iterator[Bad]:
        path = "/v1/journeys"
        form = {"source": "matching_form", "answers": ANSWERS, "client": sara.details | {"email": "x@example.com"}}
        yield from field_by_field(
            path,
            form,
            {
                "source": ["carrier_pigeon", None, 7],
                "answers": [None, [], "all"],
                "answers.state": [None, "", "N\u0000Y", 5, "x" * 101],
                "answers.modality": ["group", None],
                "answers.preferred_times": ["mornings"],
                "answers.languages": ["en", None],
                "client.email": ["no address", "a@b", "x" * 300 + "@example.com", 12],
                "client.time_zone": ["Mars/Olympus", "", "../etc/passwd"],
                "client.phone": ["call me", ""],
                "client.first_name": ["", "Sa\u0000ra", "x" * 101, ["Sara"]],
                "client.password": ["secret"],
                "test": ["yes", 1],
                "therapist": ["ana"],
                "weeks": [4],
            },
        )
        yield from field_by_field(
            path, {"source": "direct_booking"}, {"therapist": ["nobody-here", "", "AN A", None, 3, "../ana"]}
        )
        yield Bad("POST", path, {**form, "answers": ANSWERS | {"preferred_times": [{"weekday": "mon"}]}},
                  "answers.preferred_times[0].part")  # fmt: skip
        yield Bad("POST", path, {"source": "care_team", "therapist": "nobody-here"}, "therapist", by="desk")
        yield Bad("POST", path, {"source": "care_team", "therapist": "ana"}, None, name="not-allowed", status=403)
        yield Bad("POST", path, form, None, by=None, name="unauthenticated", status=401)

    await nothing_comes_of(care, sara, requests())


async def test_a_booking(care: Care, sara: Person) -> None:
    start = (await care.slot("ana", "session")).isoformat()
    past = (await care.now() - timedelta(days=1)).isoformat()
    path = f"/v1/clients/{sara.id}/appointments"
    good: Json = {"type": "session", "starts_at": start, "mode": "video", "details": {}}
    wrong: dict[str, Any] = {
        "type": ["party", None, ["session"]],
        "starts_at": ["tomorrow", start[:19], start[:10], 1_800_000_000, None, FAR, "0001-01-01T00:00:00Z",
                      "2026-02-30T10:00:00Z", "2026-12-01T10:00:00+99:00"],
        "mode": ["telepathy", "zoom" * 100, None],
        "weeks": [0, -1, 53, 1.5, "4", True, 10**30],
        "every": [0, 3, 52, 2.0, "2", True, None],
        "on_closure": ["never", "", True, None],
        "skip_conflicts": ["yes", 0],
        "hold_id": ["mine", 7],
        "reason": [5, "", "x" * 501, "a\u0000b", ["late"]],
        "details.email": ["nope"],
        "details.time_zone": ["Nowhere/Else"],
        "price": [0],
    }  # fmt: skip

    def requests() -> Iterator[Bad]:
        for by in ("site", "desk"):
            yield from field_by_field(path, good, wrong, by=by)
        yield Bad("POST", path, good | {"starts_at": past}, None, by="desk", name="slot-unavailable", status=409)
        yield Bad("POST", path, good | {"type": "intro_call", "weeks": 4}, "weeks", by="desk")
        yield Bad("POST", path, good | {"type": "intro_call", "weeks": 2}, "weeks", by="desk")
        yield Bad("POST", path, good | {"reason": "please"}, None, name="not-allowed", status=403)
        for nobody in (NOBODY, "sara", "%00", sara.id + "0"):
            where = f"/v1/clients/{nobody}/appointments"
            yield Bad("POST", where, good, None, name="not-found", status=404)
        yield Bad("POST", path, good, None, by="stranger", name="unauthenticated", status=401)

    care.tokens["stranger"] = "cj_" + "x" * 43
    await nothing_comes_of(care, sara, requests())


async def test_a_change_of_an_appointment(care: Care, sara: Person) -> None:
    call = sara.appointments[0]
    one = f"/v1/appointments/{call.id}"
    later = (call.starts_at + timedelta(days=1)).isoformat()
    scopes: list[Any] = ["all", "One", "", None, 1, True, ["following"]]

    def requests() -> Iterator[Bad]:
        yield from field_by_field(
            f"{one}/reschedule",
            {"starts_at": later, "reason": "a journey"},
            {
                "starts_at": [None, "noon", later[:19], FAR, 0],
                "reason": [5, "x" * 501, "a\u0000b", ""],
                "hold_id": ["x"],
                "mode": ["phone"],
                "scope": scopes,
                "confirm": ["no", None, 0],
                "weeks": [2],
            },
        )
        yield from field_by_field(
            f"{one}/cancel",
            {"reason": "a cold"},
            {
                "requested_by": ["nobody", 1],
                "confirm": ["no", None, 0],
                "reason": [[]],
                "fee": [0],
                "scope": scopes,
            },
        )
        for scope in ("one", "following"):
            for confirm in (True, False):
                how = {"scope": scope, "confirm": confirm}
                foreign = how | {"requested_by": "practice"}
                yield Bad("POST", f"{one}/cancel", foreign, None, name="not-allowed", status=403)
                waived = how | {"waive_fee": True}
                yield Bad("POST", f"{one}/cancel", waived | {"waive_reason": " "}, "waive_reason", by="desk")
                yield Bad("POST", f"{one}/cancel", waived, "waive_reason", by="desk")
                past = how | {"starts_at": "2001-01-01T00:00:00Z"}
                yield Bad("POST", f"{one}/reschedule", past, None, by="desk", name="slot-unavailable", status=409)
        yield Bad("POST", f"{one}/cancel", {"requested_by": "practice"}, None, name="not-allowed", status=403)
        yield Bad(
            "POST", f"{one}/cancel", {"waive_fee": True, "waive_reason": "x"}, None, name="not-allowed", status=403
        )
        yield Bad("POST", f"{one}/cancel", {"waive_fee": True}, "waive_reason", by="desk")
        yield Bad("POST", f"{one}/outcome", {"outcome": "great"}, "outcome", by="desk")
        yield Bad("POST", f"{one}/outcome", {}, "outcome", by="desk")
        yield Bad("POST", f"{one}/outcome", {"outcome": "occurred"}, None, by="desk",
                  name="appointment-not-started", status=409)  # fmt: skip
        yield Bad("POST", f"{one}/outcome", {"outcome": "occurred"}, None, name="not-allowed", status=403)
        for path in ("", "/cancel", "/reschedule", "/outcome"):
            method, body = ("GET", None) if not path else ("POST", {"outcome": "occurred"} if "out" in path else {})
            body = {"starts_at": later} if "resch" in path else body
            for nobody in (NOBODY, "first", "1"):
                yield Bad(method, f"/v1/appointments/{nobody}{path}", body, None, by="desk",
                          name="not-found", status=404)  # fmt: skip

    await nothing_comes_of(care, sara, requests())


async def test_forms_accounts_and_cards(care: Care, sara: Person) -> None:
    forms = f"/v1/clients/{sara.id}/forms"
    signed = {"signature": "Sara Lind"}
    contact = {"name": "Jo", "phone": "+12125550101"}

    def requests() -> Iterator[Bad]:
        for kind in ("diary", "informed_consent%00", "..%2Fclients"):
            yield Bad("PUT", f"{forms}/{kind}", signed | {"answers": {}}, None, name="not-found", status=404)
        yield from field_by_field(
            f"{forms}/informed_consent",
            signed | {"answers": {"agrees": True}},
            {
                "answers": [None, [], "yes"],
                "answers.agrees": [False, "true", 1, None],
                "answers.more": ["x"],
                "signature": ["", " ", None, 7, "S\u0000"],
                "setup_intent": ["seti_1"],
                "version": [9],
            },
            method="PUT",
        )
        yield from field_by_field(
            f"{forms}/initial_consultation",
            signed | {"answers": {"reason": "Sleep", "emergency_contact": contact}},
            {
                "answers.reason": [None, "", 5, "x" * 10_001],
                "answers.emergency_contact": [None, "Jo", []],
                "answers.emergency_contact.phone": [None, ""],
            },
            method="PUT",
        )
        yield from field_by_field(
            f"{forms}/billing_info",
            signed | {"answers": {"billing_name": "Sara", "accepts_fee_policy": True}, "setup_intent": "seti_unknown"},
            {
                "answers.accepts_fee_policy": [False],
                "answers.billing_name": [""],
                "setup_intent": [None, "", "seti_unknown", "seti/../x", 3],
            },
            method="PUT",
        )
        yield from field_by_field(
            "/v1/activations",
            {"token": "unknown", "password": "long enough"},
            {
                "password": ["", None, "x" * (LONGEST_TYPED + 1), 12345678],
                "token": [None, "", "x" * 201],
                "email": ["a@b.example"],
            },
            by=None,
        )
        for token in ("unknown", "\u0000"):
            body = {"token": token, "password": "long enough"}
            yield Bad("POST", "/v1/activations", body, None, by=None, name="activation-link-invalid", status=410)
        half = b'{"token": "\\ud800", "password": "long enough"}'
        yield Bad("POST", "/v1/activations", None, "token", by=None, raw=half)
        yield from field_by_field(
            "/v1/sessions",
            {"email": "sara@example.com", "password": "x"},
            {"email": [None, 5], "password": [None, ""]},
            by=None,
        )
        yield Bad("POST", "/v1/sessions", {"email": "\u0000", "password": "\u0000"}, None, by=None,
                  name="unauthenticated", status=401)  # fmt: skip

    await nothing_comes_of(care, sara, requests())
    # A card that the bank refuses is not saved, and what is left of it is not believed.
    setup = await care.post(f"/v1/clients/{sara.id}/card-setup")
    for card in ("pm_card_chargeDeclined", "pm_card_unheardOf"):
        answer = await care.http.post(
            f"{care.house.sandbox_url}/stripe/v1/setup_intents/{setup['setup_intent']}/confirm",
            data={"payment_method": card},
            headers={"Authorization": "Bearer sk_test_browser"},
        )
        assert 400 <= answer.status_code < 500
        bad = Bad(
            "PUT",
            f"{forms}/billing_info",
            signed
            | {"answers": {"billing_name": "Sara", "accepts_fee_policy": True}, "setup_intent": setup["setup_intent"]},
            "setup_intent",
        )
        assert await wrong_with(care, sara, bad) is None
    assert (await sara.look())["card"] is None


async def test_what_staff_send(care: Care, sara: Person) -> None:
    one = f"/v1/clients/{sara.id}"
    therapist = {
        "slug": "ben",
        "name": "Ben",
        "email": "ben@practice.example",
        "time_zone": "UTC",
        "session_fee": {"amount": 100, "currency": "USD"},
    }
    window = {"weekday": "mon", "from": "09:00", "to": "17:00", "types": ["session"]}

    def requests() -> Iterator[Bad]:
        yield from field_by_field(
            "/v1/therapists",
            therapist,
            {
                "slug": ["ana", "Ben B", "", None, "x" * 81],
                "time_zone": ["New York", None],
                "session_fee": [100, None],
                "session_fee.amount": [-1, 1.5, "100", 10**12],
                "session_fee.currency": ["US", "DOLLARS"],
                "intro_calls": ["maybe"],
                "caseload_limit": [-1],
                "zoom_link": [7],
            },
            by="desk",
        )
        yield Bad("PATCH", "/v1/therapists/ana", {"name": None}, "name", by="desk")
        yield Bad("PATCH", "/v1/therapists/ana", {"name": "X", "time_zone": "Mars/Olympus"}, "time_zone", by="ana")
        yield Bad("PATCH", "/v1/therapists/nobody", {"name": "X"}, None, by="desk", name="not-found", status=404)
        hours = {"weekly": [window], "overrides": [], "time_off": [], "settings": {}}
        for place, value in (
            ("weekly[0].weekday", {"weekly": [window | {"weekday": "funday"}]}),
            ("weekly[0].from", {"weekly": [window | {"from": "9"}]}),
            ("weekly[1].to", {"weekly": [window, window | {"to": "25:00"}]}),
            ("overrides[1].date", {"overrides": [{"date": "2026-12-24", "windows": []}] * 2}),
            ("time_off[0].ends_at", {"time_off": [{"starts_at": "2026-01-01T00:00Z", "ends_at": "2036-01-01T00:00Z"}]}),
            ("overrides[0].date", {"overrides": [{"date": "soon", "windows": []}]}),
            ("time_off[0].starts_at", {"time_off": [{"starts_at": "2026-01-01", "ends_at": "2026-01-02T00:00:00Z"}]}),
            ("settings.session.step", {"settings": {"session": {"step": 0}}}),
        ):
            yield Bad("PUT", "/v1/therapists/ana/availability", hours | value, place, by="ana")
        yield from field_by_field(
            f"{one}/match",
            {"therapist": "ana", "reason": "asked"},
            {"therapist": ["nobody", None, 5], "reason": [None, "", "x" * 501], "cancel_appointments": ["no"]},
            method="PUT",
            by="desk",
        )
        yield from field_by_field(
            one,
            {},
            {
                "portal_settings": [{"parking": True}, [], "all"],
                "unsubscribed": ["yes"],
                "time_zone": ["Local"],
                "email": ["@"],
                "status": ["archived"],
                "stage": ["in_care"],
            },
            method="PATCH",
            by="desk",
        )
        yield from field_by_field(f"{one}/archive", {}, {"notify": ["no"], "reason": [5], "restore": [True]}, by="desk")
        yield Bad("POST", f"{one}/archive", {}, None, name="not-allowed", status=403)
        yield Bad("POST", f"/v1/clients/{NOBODY}/archive", {}, None, by="desk", name="not-found", status=404)
        yield Bad(
            "POST", f"/v1/tasks/{NOBODY}/resolve", {"note": "done"}, None, by="desk", name="not-found", status=404
        )
        yield Bad("POST", "/v1/therapists/ana/holds", {"type": "session", "starts_at": FAR}, "starts_at")
        yield Bad("POST", "/v1/therapists/ana/holds", {"type": "tea", "starts_at": FAR}, "type")
        yield Bad("DELETE", "/v1/holds/mine", None, None, name="not-found", status=404)

    await nothing_comes_of(care, sara, requests())
