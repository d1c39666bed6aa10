"""What may go wrong at a calendar's vendor, arranged before it happens and counted as it does."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from sandbox.calendars.vendors import Vendor, VendorError, api_error, oauth_error
from sandbox.store import Document, Store
from sandbox.stripe.faults import read


class CalendarFault(BaseModel, extra="forbid"):
    """One thing that is to go wrong, ``times`` often.

    Attributes:
        call: ``token`` (a code or a refresh token is shown), ``read`` (the busy times), ``revoke``, ``watch`` (a
            channel is opened), ``stop``.
        kind: ``error`` is a 503, ``rate_limited`` a 429 with ``Retry-After``, ``quota`` the 403 by
            which Google says the same, ``unauthorized`` a 401, ``invalid_grant``
            what a token endpoint says of a consent that is over, ``nonsense`` an answer that is no JSON, ``hang_up`` no
            answer: it was done before.
        seconds: of ``Retry-After``.
    """

    call: Literal["token", "read", "revoke", "watch", "stop"]
    kind: Literal["error", "rate_limited", "quota", "unauthorized", "invalid_grant", "nonsense", "hang_up"]
    times: int = Field(default=1, ge=1, le=1_000_000)
    seconds: int = Field(default=30, ge=0, le=86_400)


class CalendarFaults:
    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self, vendor: Vendor) -> list[Document]:
        book = self._store.get(vendor.of("faults"), "book")
        rows: list[Document] = book["rows"] if book else []
        return rows

    def add(self, vendor: Vendor, given: Any) -> list[Document]:
        """All of them, or none. Raises StripeError, which names what is wrong."""
        faults = read(list[CalendarFault], given, of="faults")
        return self._keep(vendor, [*self.all(vendor), *({**fault.model_dump(), "fired": 0} for fault in faults)])

    def clear(self, vendor: Vendor) -> list[Document]:
        rows = self.all(vendor)
        self._keep(vendor, [])
        return rows

    def met(self, vendor: Vendor, call: str) -> str | None:
        """What this call meets: ``nonsense`` or ``hang_up``; any other fault is raised. None: nothing."""
        rows = self.all(vendor)
        for row in rows:
            if row["call"] == call and row["fired"] < row["times"]:
                row["fired"] += 1
                self._keep(vendor, rows)
                return self._answer(row)
        return None

    def _keep(self, vendor: Vendor, rows: list[Document]) -> list[Document]:
        self._store.put(vendor.of("faults"), {"id": "book", "rows": rows})
        self._store.commit()
        return rows

    @staticmethod
    def _answer(row: Document) -> str:
        raised: dict[str, VendorError] = {
            "error": api_error(503, "UNAVAILABLE", "The service is currently unavailable."),
            "rate_limited": api_error(
                429, "RESOURCE_EXHAUSTED", "Rate Limit Exceeded", retry_after=int(row["seconds"])
            ),
            "quota": api_error(403, "rateLimitExceeded", "Rate Limit Exceeded"),
            "unauthorized": api_error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
            "invalid_grant": oauth_error("invalid_grant", "Token has been expired or revoked."),
        }
        if problem := raised.get(row["kind"]):
            raise problem
        return str(row["kind"])
