"""What the two vendors differ in, and how they say no."""

from dataclasses import dataclass, field

from sandbox.store import Document


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """``key``: the first part of every path. ``rotates``: each refresh answers a new refresh token, which ends the old
    one once it is used (Microsoft leaves old ones alive for a while; who relies on that is found out here).
    ``account``: whose calendar it is where nobody says another. ``scope_prefix``: what the token endpoint leaves out of
    the scopes that it tells."""

    key: str
    name: str
    client_id: str
    client_secret: str = field(repr=False)
    account: str
    scope: str
    rotates: bool
    scope_prefix: str = ""

    def of(self, kind: str) -> str:
        """How the store calls this vendor's objects of a kind."""
        return f"{self.key}_{kind}"

    def told_scope(self, scope: str) -> str:
        """As the token endpoint tells it."""
        return scope.removeprefix(self.scope_prefix)


GOOGLE = Vendor(
    key="google",
    name="Google",
    client_id="google-development",
    client_secret="google-development-secret",
    account="ana@google.example",
    scope="https://www.googleapis.com/auth/calendar.events.freebusy",
    rotates=False,
)
OUTLOOK = Vendor(
    key="outlook",
    name="Outlook",
    client_id="outlook-development",
    client_secret="outlook-development-secret",
    account="ana@outlook.example",
    scope="https://graph.microsoft.com/Calendars.ReadBasic",
    rotates=True,
    scope_prefix="https://graph.microsoft.com/",
)
VENDORS = {vendor.key: vendor for vendor in (GOOGLE, OUTLOOK)}


class VendorError(Exception):
    """An answer other than 200, in the vendor's shape. ``retry_after``: seconds, in a header."""

    def __init__(self, status: int, body: Document, *, retry_after: int | None = None) -> None:
        super().__init__(str(body))
        self.status, self.body, self.retry_after = status, body, retry_after


def oauth_error(error: str, description: str, status: int = 400) -> VendorError:
    """As a token endpoint says it (RFC 6749, 5.2)."""
    return VendorError(status, {"error": error, "error_description": description})


def api_error(status: int, code: str, message: str, *, retry_after: int | None = None) -> VendorError:
    """As both APIs say it; Google's code is the number, Graph's the word: both are there."""
    body = {"error": {"code": code, "status": code, "message": message}}
    return VendorError(status, body, retry_after=retry_after)
