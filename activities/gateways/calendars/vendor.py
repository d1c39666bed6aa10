"""Asking a vendor at which a therapist has consented: a fresh access token for each reading, and what a refusal means.

Nothing that is sent or answered is put into a message: it has tokens, and could have words of the calendar.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from activities.gateways.calendars.port import SourceRefused, SourceUnavailable
from activities.gateways.outbound.door import Answer, Door
from activities.gateways.outbound.failures import OutboundFailure, TooLarge
from rules.booking.calendar_vendors import REFRESH_TOKEN, CalendarVendor
from rules.enums import CalendarTrouble

_OVER = ("invalid_grant", "interaction_required", "consent_required")  # of a consent; it passes by another one alone
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


def not_connected(message: str) -> SourceRefused:
    return SourceRefused(message, trouble=CalendarTrouble.NOT_CONNECTED)


@dataclass(frozen=True, kw_only=True)
class VendorAccess:
    """``access``: what the calendar is to be read with from now on, if the vendor has given another refresh token."""

    token: str = field(repr=False)
    access: Mapping[str, Any] | None = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}


class VendorDesk:
    """One vendor, as both sources ask it. Methods raise SourceRefused and SourceUnavailable."""

    def __init__(self, vendor: CalendarVendor, door: Door) -> None:
        self.vendor, self._door = vendor, door

    async def open(self, access: Mapping[str, Any]) -> VendorAccess:
        """By the refresh token. An old one is good for some time at a vendor that gives new ones: what is lost between
        here and the row is not missed."""
        before = access.get(REFRESH_TOKEN)
        if not before:
            raise not_connected("nobody has consented yet")
        form = urlencode(self.vendor.refresh_form(str(before)))
        answer = await self._call("POST", self.vendor.token, headers=_FORM, content=form.encode())
        said = self._document(answer)
        if answer.status != 200:
            error = str(said.get("error"))
            if error in _OVER:
                raise not_connected(f"{self.vendor.kind}: {error}")
            # Wrong settings, perhaps: whose calendar it is can do nothing about that, and it passes once they fit.
            raise SourceUnavailable(f"{self.vendor.kind}: the token endpoint answers {answer.status}")
        token, after = said.get("access_token"), said.get(REFRESH_TOKEN)
        if not isinstance(token, str) or not token:
            raise SourceUnavailable(f"{self.vendor.kind}: the token endpoint answers no token")
        if not self.vendor.allows(said.get("scope")):
            raise not_connected(f"{self.vendor.kind}: the permission is gone")
        new = isinstance(after, str) and after and after != before
        return VendorAccess(token=token, access={**access, REFRESH_TOKEN: after} if new else None)

    async def ask(
        self, method: str, url: str, opened: VendorAccess, *, body: object = None, more: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The JSON object that is answered; an empty one where nothing is to be said."""
        content = None if body is None else json.dumps(body).encode()
        kind = {} if content is None else {"Content-Type": "application/json"}
        answer = await self._call(method, url, headers={**opened.headers, **kind, **(more or {})}, content=content)
        match answer.status:
            case 200:
                return self._document(answer)
            case 204:
                return {}
            case 401 | 403 if not _is_about_too_many(answer):
                raise not_connected(f"{self.vendor.kind} answers {answer.status}")
            case 404:
                raise SourceRefused(f"{self.vendor.kind} answers 404", trouble=CalendarTrouble.NOT_FOUND)
            case status:
                # Also 429: the next look is due in a quarter of an hour, and `Retry-After` asks for no more than that.
                raise SourceUnavailable(f"{self.vendor.kind} answers {status}")

    async def _call(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes | None) -> Answer:
        try:
            return await self._door.call(method, url, headers=headers, content=content)
        except TooLarge as failure:
            raise SourceRefused(str(failure), trouble=CalendarTrouble.TOO_LARGE) from failure
        except OutboundFailure as failure:
            raise SourceUnavailable(f"{self.vendor.kind}: {failure}") from failure

    def _document(self, answer: Answer) -> dict[str, Any]:
        """A vendor that breaks answers a page at times, whatever its status: that passes."""
        try:
            document = json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise SourceUnavailable(f"{self.vendor.kind} answers no JSON, with {answer.status}") from error
        if not isinstance(document, dict):
            raise SourceUnavailable(f"{self.vendor.kind} answers no JSON object")
        return document


def _is_about_too_many(answer: Answer) -> bool:
    """Google says with 403, too, that it was asked too often."""
    return answer.status == 403 and (b"ateLimitExceeded" in answer.body or b"quotaExceeded" in answer.body)
