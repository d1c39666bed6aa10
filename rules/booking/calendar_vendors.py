"""Vendors whose calendars are connected by a consent (OAuth 2.0, the authorization code grant with PKCE): where they
are asked, and for how little."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote, urlencode

from rules.enums import CalendarKind

CONSENT_TTL = timedelta(minutes=30)  # to sign in at the vendor and to consent, in the world's time
BY_CONSENT = frozenset({CalendarKind.GOOGLE, CalendarKind.OUTLOOK})
REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the name of the member, in `access` of a calendar's row


@dataclass(frozen=True, kw_only=True)
class CalendarVendor:
    """Where the practice is registered as a program.

    Attributes:
        authorization: where a browser is sent to; ``token``: where a code, and a refresh token, are shown.
        busy: where the busy times are asked for.
        revocation: where a consent is given back; None: only its person can end it.
        watch: where a channel is opened, by which the vendor says that the calendar has changed, and ``stop`` where it
            is ended; None at a vendor that wants a scope for that which opens titles.
        scopes: what is asked for; ``needed`` is the one of them without which there is nothing to read.
        more: further parameters for the browser, without which no refresh token is given.
    """

    kind: CalendarKind
    client_id: str
    client_secret: str = field(repr=False)
    authorization: str
    token: str
    busy: str
    revocation: str | None
    scopes: tuple[str, ...]
    needed: str
    more: tuple[tuple[str, str], ...] = ()
    watch: str | None = None
    stop: str | None = None

    def consent_url(self, *, redirect_uri: str, state: str, challenge: str) -> str:
        """Where a browser is sent to (RFC 6749, 4.1.1; RFC 7636, 4.3)."""
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.scopes),
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **dict(self.more),
        }
        return f"{self.authorization}?{urlencode(asked)}"

    def code_form(self, code: str, *, redirect_uri: str, verifier: str) -> dict[str, str]:
        """What a code is shown with (RFC 6749, 4.1.3)."""
        return self._form("authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=verifier)

    def refresh_form(self, refresh_token: str) -> dict[str, str]:
        """What is shown for a new access token (RFC 6749, 6)."""
        return self._form(REFRESH_TOKEN, refresh_token=refresh_token)

    def allows(self, scope: object) -> bool:
        """Whether the scopes that the token endpoint tells have the one that is needed: people may have left it out.
        Microsoft tells scopes without their address. Nothing told: all that was asked for (RFC 6749, 5.1)."""
        if scope is None:
            return True
        return _short(self.needed) in {_short(one) for one in str(scope).split()}

    def _form(self, grant: str, **more: str) -> dict[str, str]:
        return {"grant_type": grant, "client_id": self.client_id, "client_secret": self.client_secret, **more}


def google(*, client_id: str, client_secret: str, base: str | None = None) -> CalendarVendor:
    """``base``: where all of Google's hosts are, if not at Google. The scope shows when somebody is busy: no title, no
    place, no person. It is the one of its kind by which a channel can be opened, too."""
    scope = "https://www.googleapis.com/auth/calendar.events.freebusy"
    tokens = base or "https://oauth2.googleapis.com"
    api = f"{base or 'https://www.googleapis.com'}/calendar/v3"
    return CalendarVendor(
        kind=CalendarKind.GOOGLE,
        client_id=client_id,
        client_secret=client_secret,
        authorization=f"{base or 'https://accounts.google.com'}/o/oauth2/v2/auth",
        token=f"{tokens}/token",
        busy=f"{api}/freeBusy",
        revocation=f"{tokens}/revoke",
        scopes=(scope,),
        needed=scope,
        more=(("access_type", "offline"), ("prompt", "consent")),
        watch=f"{api}/calendars/primary/events/watch",
        stop=f"{api}/channels/stop",
    )


def outlook(*, client_id: str, client_secret: str, tenant: str = "common", base: str | None = None) -> CalendarVendor:
    """``tenant``: whose accounts may consent: ``common`` (anybody's), ``organizations``, ``consumers``, or the id or
    domain of one. ``base``: where all of Microsoft's hosts are, if it is not Microsoft."""
    scope = "https://graph.microsoft.com/Calendars.ReadBasic"
    place = f"{base or 'https://login.microsoftonline.com'}/{quote(tenant, safe='')}/oauth2/v2.0"
    return CalendarVendor(
        kind=CalendarKind.OUTLOOK,
        client_id=client_id,
        client_secret=client_secret,
        authorization=f"{place}/authorize",
        token=f"{place}/token",
        busy=f"{base or 'https://graph.microsoft.com'}/v1.0/me/calendarView",
        revocation=None,
        scopes=("offline_access", scope),
        needed=scope,
        more=(("response_mode", "query"), ("prompt", "select_account")),
    )


def by_kind(*vendors: CalendarVendor | None) -> Mapping[CalendarKind, CalendarVendor]:
    """Those at which the practice is registered."""
    return {vendor.kind: vendor for vendor in vendors if vendor is not None}


def _short(scope: str) -> str:
    return scope.rpartition("/")[2].casefold()
