"""A therapist at a vendor of calendars: its pages as a browser uses them, and what is put into the calendar."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from rules.booking.calendar_vendors import CalendarVendor, google, outlook

GOOGLE_CLIENT = {"client_id": "google-development", "client_secret": "google-development-secret"}
OUTLOOK_CLIENT = {"client_id": "outlook-development", "client_secret": "outlook-development-secret"}
Json = dict[str, Any]


def google_at(sandbox_url: str, **more: Any) -> CalendarVendor:
    return google(**{**GOOGLE_CLIENT, **more}, base=f"{sandbox_url}/google")


def outlook_at(sandbox_url: str, **more: Any) -> CalendarVendor:
    return outlook(**{**OUTLOOK_CLIENT, **more}, base=f"{sandbox_url}/outlook")


@dataclass(frozen=True, kw_only=True)
class AtVendor:
    """``url``: of the stand-in for one vendor. ``account``: whose calendar it is; another one for each test."""

    url: str
    account: str

    async def answers(self, consent_url: str, answer: str = "allow") -> dict[str, str]:
        """At the page of the consent. What the browser is sent back with: ``state``, and ``code`` or ``error``."""
        asked = dict(parse_qsl(urlsplit(consent_url).query))
        async with httpx.AsyncClient(trust_env=False) as browser:
            assert (await browser.get(consent_url)).status_code == 200
            form = asked | {"account": self.account, "answer": answer}
            sent_on = await browser.post(consent_url.partition("?")[0], data=form)
        assert sent_on.status_code == 303, sent_on.text
        back = sent_on.headers["location"]
        assert back.startswith(asked["redirect_uri"])
        return dict(parse_qsl(urlsplit(back).query))

    async def puts_in(self, **event: Any) -> str:
        """An event of the calendar, by the fields of the stand-in. Returns its id."""
        given = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in event.items()}
        made = await self._post("_events", {"account": self.account, "title": "Dentist", **given})
        return str(made["id"])

    async def takes_out(self, id_: str) -> None:
        async with httpx.AsyncClient(trust_env=False) as http:
            (await http.delete(f"{self.url}/_events/{id_}")).raise_for_status()

    async def withdraws(self) -> None:
        """The person ends, at the vendor, what they had allowed."""
        assert (await self._post("_withdraw", {"account": self.account}))["ended"]

    async def orders(self, *faults: Mapping[str, Any]) -> None:
        """In place of what was ordered before."""
        async with httpx.AsyncClient(trust_env=False) as http:
            (await http.delete(f"{self.url}/_faults")).raise_for_status()
        await self._post("_faults", list(faults))

    async def state(self) -> Json:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"{self.url}/_state")
        found: Json = answer.raise_for_status().json()
        return found

    async def consents(self) -> int:
        """How many of this account stand."""
        grants: list[str] = (await self.state())["grants"]
        return grants.count(self.account)

    async def _post(self, path: str, body: object) -> Any:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{self.url}/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()
