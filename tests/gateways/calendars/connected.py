"""A calendar at a vendor with the consent to read it, for what is held against both sources."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from activities.gateways.calendars.port import BusySpans, CalendarAccount, CalendarSource, NotChanged
from activities.gateways.calendars.sources import calendar_sources
from activities.gateways.outbound.door import Door
from api.accounts.oidc.browsers import bound_by
from rules.booking.calendar_vendors import REFRESH_TOKEN, CalendarVendor
from rules.booking.outside import Window
from rules.enums import CalendarKind
from tests.care.outside.calendar_vendors import AtVendor, google_at, outlook_at

NOW = datetime(2030, 3, 4, 12, tzinfo=UTC)
WINDOW = Window(starts_at=NOW - timedelta(days=1), ends_at=NOW + timedelta(days=67))
ZONE = "America/New_York"
BACK = "http://localhost:8080/staff/calendars/connected"
_accounts = itertools.count(1)


@dataclass(kw_only=True)
class Connected:
    """``access`` is what the row would have: it follows what each reading gives."""

    vendor: CalendarVendor
    source: CalendarSource
    at: AtVendor
    access: Mapping[str, Any] = field(default_factory=dict)

    async def read(self, known: Mapping[str, Any] | None = None, *, window: Window = WINDOW) -> BusySpans | NotChanged:
        account = CalendarAccount(id="1", kind=self.vendor.kind, access=self.access, time_zone=ZONE)
        found = await self.source.read(account, window, known)
        if found.access is not None:
            self.access = found.access
        return found

    async def busy(self) -> list[tuple[datetime, datetime]]:
        found = await self.read()
        assert isinstance(found, BusySpans)
        return sorted((span.starts_at, span.ends_at) for span in found.spans)


async def connected(kind: CalendarKind, sandbox_url: str) -> Connected:
    """By the consent of a new account."""
    door, number = Door(private=True), next(_accounts)
    at = AtVendor(url=f"{sandbox_url}/{kind.value}", account=f"{kind.value}{number}@gateway.example")
    vendor = google_at(sandbox_url) if kind is CalendarKind.GOOGLE else outlook_at(sandbox_url)
    calendar = Connected(vendor=vendor, source=calendar_sources(door, [vendor])[kind], at=at)
    bound = bound_by(f"secret {number}")
    back = await at.answers(vendor.consent_url(redirect_uri=BACK, state=bound.state, challenge=bound.challenge))
    assert back["state"] == bound.state
    form = vendor.code_form(back["code"], redirect_uri=BACK, verifier=bound.verifier)
    async with httpx.AsyncClient(trust_env=False) as http:
        told = (await http.post(vendor.token, data=form)).raise_for_status().json()
    calendar.access = {REFRESH_TOKEN: told[REFRESH_TOKEN]}
    return calendar
