"""Consent and tokens: the authorization code grant with PKCE (RFC 6749, RFC 7636), refresh, and revocation."""

import base64
import secrets
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from urllib.parse import urlencode, urlsplit, urlunsplit

from sandbox.calendars.vendors import Vendor, oauth_error
from sandbox.store import Document, Store

_CODE_SECONDS = 600
_ACCESS_SECONDS = 3600
_NEEDED = ("client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method")


class Grants:
    """What each account has allowed the program. ``now`` is the stand-ins' clock."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def checked(self, vendor: Vendor, asked: Mapping[str, str]) -> dict[str, str]:
        """The parameters that a browser came with. Raises VendorError with what the vendor's page would say."""
        missing = [name for name in _NEEDED if not asked.get(name)]
        if missing:
            raise oauth_error("invalid_request", f"Missing: {', '.join(missing)}")
        if asked["client_id"] != vendor.client_id:
            raise oauth_error("invalid_client", "The OAuth client was not found.", 401)
        if asked["response_type"] != "code" or asked["code_challenge_method"] != "S256":
            raise oauth_error("invalid_request", "response_type must be code, code_challenge_method S256")
        if urlsplit(asked["redirect_uri"]).scheme not in ("http", "https"):
            raise oauth_error("redirect_uri_mismatch", "The redirect URI is not registered.")
        return dict(asked)

    def allow(self, vendor: Vendor, asked: Mapping[str, str], *, account: str, with_scope: bool, now: datetime) -> str:
        """Consent: the address that the browser is sent on to. ``with_scope``: whether the calendar's permission was
        left ticked."""
        scopes = [scope for scope in asked["scope"].split() if with_scope or scope != vendor.scope]
        offline = asked.get("access_type") == "offline" or "offline_access" in scopes
        code = secrets.token_urlsafe(24)
        self._store.put(
            vendor.of("code"),
            {
                "id": code,
                "account": account,
                "redirect_uri": asked["redirect_uri"],
                "challenge": asked["code_challenge"],
                "scopes": scopes,
                "offline": offline,
                "expires": now.timestamp() + _CODE_SECONDS,
                "used": False,
            },
        )
        self._store.commit()
        return _with_query(asked["redirect_uri"], {"code": code, "state": asked["state"]})

    @staticmethod
    def deny(asked: Mapping[str, str]) -> str:
        return _with_query(asked["redirect_uri"], {"error": "access_denied", "state": asked["state"]})

    def token(self, vendor: Vendor, form: Mapping[str, str], *, now: datetime) -> Document:
        """The token endpoint. Raises VendorError."""
        if form.get("client_id") != vendor.client_id or form.get("client_secret") != vendor.client_secret:
            raise oauth_error("invalid_client", "The client secret is wrong.", 401)
        match form.get("grant_type"):
            case "authorization_code":
                return self._redeem(vendor, form, now=now)
            case "refresh_token":
                return self._refresh(vendor, form.get("refresh_token", ""), now=now)
        raise oauth_error("unsupported_grant_type", "grant_type must be authorization_code or refresh_token")

    def account_of(self, vendor: Vendor, authorization: str | None, *, now: datetime) -> str | None:
        """Whose calendar an access token opens; None where it opens none."""
        row = self._store.get(vendor.of("access"), (authorization or "").removeprefix("Bearer "))
        if row is None or row["expires"] <= now.timestamp() or not self._stands(vendor, row["grant"]):
            return None
        return str(row["account"]) if vendor.scope in row["scopes"] else None

    def revoke(self, vendor: Vendor, token: str) -> None:
        """As the program asks for it (RFC 7009). Raises VendorError for a token that is not known."""
        row = self._store.get(vendor.of("refresh"), token) or self._store.get(vendor.of("access"), token)
        if row is None or not self._stands(vendor, row["grant"]):
            raise oauth_error("invalid_token", "Token expired or revoked")
        self._end(vendor, row["grant"])
        self._store.commit()

    def withdraw(self, vendor: Vendor, account: str) -> int:
        """The person ends, at the vendor's own page, what they allowed. Returns how many grants there were."""
        rows = [
            row for row in self._store.all(vendor.of("grant")) if row["account"] == account and row["ended"] is False
        ]
        for row in rows:
            self._end(vendor, row["id"])
        self._store.commit()
        return len(rows)

    def standing(self, vendor: Vendor) -> list[str]:
        """The accounts whose consent stands, one for each grant."""
        return [row["account"] for row in self._store.all(vendor.of("grant")) if not row["ended"]]

    def _redeem(self, vendor: Vendor, form: Mapping[str, str], *, now: datetime) -> Document:
        row = self._store.get(vendor.of("code"), form.get("code", ""))
        if row is None or row["expires"] <= now.timestamp() or row["redirect_uri"] != form.get("redirect_uri"):
            raise oauth_error("invalid_grant", "The code is unknown, expired or for another redirect URI.")
        if row["used"]:
            raise oauth_error("invalid_grant", "The code was used before.")
        digest = sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != row["challenge"]:
            raise oauth_error("invalid_grant", "code_verifier does not match.")
        self._store.put(vendor.of("code"), {**row, "used": True})
        grant = {"id": secrets.token_hex(8), "account": row["account"], "scopes": row["scopes"], "ended": False}
        self._store.put(vendor.of("grant"), grant)
        answer = self._access(vendor, grant, now=now)
        if row["offline"]:
            answer["refresh_token"] = self._new_refresh(vendor, grant, after=None)
        self._store.commit()
        return answer

    def _refresh(self, vendor: Vendor, token: str, *, now: datetime) -> Document:
        row = self._store.get(vendor.of("refresh"), token)
        if row is None or row["ended"] or not self._stands(vendor, row["grant"]):
            raise oauth_error("invalid_grant", "Token has been expired or revoked.")
        grant = self._store.get(vendor.of("grant"), row["grant"])
        assert grant is not None
        answer = self._access(vendor, grant, now=now)
        if vendor.rotates:
            before = self._store.get(vendor.of("refresh"), row["after"]) if row["after"] else None
            if before is not None:
                self._store.put(vendor.of("refresh"), {**before, "ended": True})
            answer["refresh_token"] = self._new_refresh(vendor, grant, after=token)
        self._store.commit()
        return answer

    def _access(self, vendor: Vendor, grant: Document, *, now: datetime) -> Document:
        token = f"{vendor.key}-access-{secrets.token_urlsafe(24)}"
        row = {"id": token, "grant": grant["id"], "account": grant["account"], "scopes": grant["scopes"]}
        self._store.put(vendor.of("access"), {**row, "expires": now.timestamp() + _ACCESS_SECONDS})
        scope = " ".join(vendor.told_scope(scope) for scope in grant["scopes"] if scope != "offline_access")
        return {"access_token": token, "expires_in": _ACCESS_SECONDS, "scope": scope, "token_type": "Bearer"}

    def _new_refresh(self, vendor: Vendor, grant: Document, *, after: str | None) -> str:
        token = f"{vendor.key}-refresh-{secrets.token_urlsafe(32)}"
        self._store.put(vendor.of("refresh"), {"id": token, "grant": grant["id"], "after": after, "ended": False})
        return token

    def _stands(self, vendor: Vendor, grant: str) -> bool:
        row = self._store.get(vendor.of("grant"), grant)
        return row is not None and not row["ended"]

    def _end(self, vendor: Vendor, grant: str) -> None:
        row = self._store.get(vendor.of("grant"), grant)
        assert row is not None
        self._store.put(vendor.of("grant"), {**row, "ended": True})


def _with_query(url: str, more: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(more)) if part)
    return urlunsplit(parts._replace(query=query))
