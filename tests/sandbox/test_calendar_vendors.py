"""The stand-ins for Google Calendar and Outlook are as strict as the vendors: what a wrong program would get away with
here, it would not there."""

from typing import Any

import httpx
import pytest

from api.accounts.oidc.browsers import bound_by
from rules.booking.calendar_vendors import CalendarVendor
from tests.care.outside.calendar_vendors import AtVendor, google_at, outlook_at
from tests.sandbox.process import Sandbox

BACK = "http://localhost:8080/staff/calendars/connected"
BOUND = bound_by("a secret")


@pytest.fixture(params=[google_at, outlook_at], ids=["google", "outlook"])
def vendor(request: pytest.FixtureRequest, sandbox: Sandbox) -> CalendarVendor:
    made: CalendarVendor = request.param(sandbox.url)
    return made


async def code(vendor: CalendarVendor, sandbox: Sandbox) -> str:
    at = AtVendor(url=f"{sandbox.url}/{vendor.kind.value}", account="strict@sandbox.example")
    url = vendor.consent_url(redirect_uri=BACK, state=BOUND.state, challenge=BOUND.challenge)
    return (await at.answers(url))["code"]


def shown(vendor: CalendarVendor, form: dict[str, str]) -> tuple[int, Any]:
    answer = httpx.post(vendor.token, data=form, trust_env=False)
    return answer.status_code, answer.json().get("error")


async def test_a_code_counts_once_with_its_verifier_and_its_address(vendor: CalendarVendor, sandbox: Sandbox) -> None:
    given = await code(vendor, sandbox)
    right = vendor.code_form(given, redirect_uri=BACK, verifier=BOUND.verifier)
    assert shown(vendor, right | {"code_verifier": "another"}) == (400, "invalid_grant")
    assert shown(vendor, right | {"redirect_uri": f"{BACK}/elsewhere"}) == (400, "invalid_grant")
    assert shown(vendor, right | {"client_secret": "another"}) == (401, "invalid_client")
    assert shown(vendor, right) == (200, None)
    assert shown(vendor, right) == (400, "invalid_grant")


@pytest.mark.parametrize("missing", ["state", "code_challenge", "redirect_uri", "scope"])
def test_the_page_of_the_consent_wants_all_of_it(vendor: CalendarVendor, missing: str) -> None:
    url = httpx.URL(vendor.consent_url(redirect_uri=BACK, state=BOUND.state, challenge=BOUND.challenge))
    assert httpx.get(url, trust_env=False).status_code == 200
    assert httpx.get(url.copy_remove_param(missing), trust_env=False).status_code == 400


async def test_google_refuses_a_question_of_more_than_ninety_days(sandbox: Sandbox) -> None:
    vendor = google_at(sandbox.url)
    form = vendor.code_form(await code(vendor, sandbox), redirect_uri=BACK, verifier=BOUND.verifier)
    asked = {"timeMin": "2030-01-01T00:00:00Z", "timeMax": "2030-04-02T00:00:00Z", "items": [{"id": "primary"}]}
    shorter = asked | {"timeMax": "2030-03-31T00:00:00Z"}
    async with httpx.AsyncClient(trust_env=False) as http:
        token = (await http.post(vendor.token, data=form)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert (await http.post(vendor.busy, json=asked, headers=headers)).status_code == 400
        assert (await http.post(vendor.busy, json=shorter, headers=headers)).status_code == 200
        assert (await http.post(vendor.busy, json=shorter)).status_code == 401


@pytest.mark.parametrize(
    "wrong", [{"call": "read", "kind": "unknown"}, {"call": "write", "kind": "error"}, {"kind": "error"}]
)
def test_a_fault_that_is_not_known_is_refused(sandbox: Sandbox, wrong: dict[str, str]) -> None:
    answer = httpx.post(f"{sandbox.url}/google/_faults", json=[wrong], trust_env=False)
    assert answer.status_code == 400
    assert httpx.get(f"{sandbox.url}/google/_faults", trust_env=False).json() == []


def test_events_are_put_in_and_taken_out_by_hand(sandbox: Sandbox) -> None:
    page = f"{sandbox.url}/outlook/calendar"
    form = {"title": "<b>By hand</b>", "starts": "2030-03-04T12:00", "ends": "2030-03-04T13:00", "shown": "oof"}
    assert httpx.post(page, data=form, trust_env=False).status_code == 303
    shown_now = httpx.get(page, trust_env=False).text
    assert "&lt;b&gt;By hand" in shown_now
    assert httpx.post(page, data=form | {"starts": "never"}, trust_env=False).status_code == 400
    [event] = [one for one in sandbox.get("/outlook/_state")["events"] if one["title"] == form["title"]]
    assert httpx.post(f"{page}/{event['id']}/remove", trust_env=False).status_code == 303
    assert "By hand" not in httpx.get(page, trust_env=False).text
