"""The provider: what it publishes (discovery, keys), kept for a while; and the code that it takes for tokens."""

import asyncio
import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from api.accounts.oidc.fetching import Fetched, ProviderAway, fetch, is_loopback, may_be_asked
from api.settings import OidcSettings

log = structlog.get_logger(__name__)

_SCOPE = "openid email"
_DISCOVERED_FOR = timedelta(hours=1)
_KEYS_FOR = timedelta(minutes=10)  # one that the provider takes back is believed no longer
_REFETCH_EVERY = timedelta(minutes=1)  # for a key that is not known: anybody can name one
_AWAY_FOR = timedelta(seconds=10)  # nobody waits for what somebody has waited for in vain just now
_ASYMMETRIC = ("RSA", "EC")


class CodeRefused(Exception):
    """The provider does not take the code: it was used, is too old, or is another's."""


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    authorization: str
    token: str
    keys: str
    by_form: bool  # the secret is sent in the form, since the provider does not take it in a header


@dataclass(frozen=True, kw_only=True)
class Redeemed:
    """What a code is taken for."""

    id_token: str = field(repr=False)
    access_token: str | None = field(repr=False)


class Provider:
    """``now`` is the world's time everywhere. Methods raise ProviderAway."""

    def __init__(self, settings: OidcSettings) -> None:
        self.settings = settings
        self._plain = is_loopback(urlsplit(settings.issuer).hostname or "")
        self._asking = asyncio.Lock()
        self._endpoints: Endpoints | None = None
        self._discovered_at: datetime | None = None
        self._keys_at: datetime | None = None
        self._failed_at: datetime | None = None
        self._keys: list[Key] = []

    async def sign_in_url(self, *, redirect_uri: str, state: str, nonce: str, challenge: str, now: datetime) -> str:
        """Where a browser is sent to (RFC 6749, 4.1.1; RFC 7636)."""
        endpoint = (await self._discovered(now)).authorization
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": _SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(asked)}"

    async def redeem(self, code: str, *, redirect_uri: str, verifier: str, now: datetime) -> Redeemed:
        """Raises CodeRefused, too."""
        endpoints = await self._discovered(now)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        id_, secret = self.settings.client_id, self.settings.client_secret
        headers: dict[str, str] = {}
        if endpoints.by_form:
            form |= {"client_id": id_, "client_secret": secret}
        else:
            said = f"{quote_plus(id_)}:{quote_plus(secret)}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(said).decode()}"
        answer = await fetch(endpoints.token, form=form, headers=headers)
        return _redeemed(answer)

    async def key(self, kid: object, *, now: datetime) -> Key | None:
        """The provider's key with this id; without one, its only key."""
        await self._know_keys(now, every=_KEYS_FOR)
        if (found := self._find(kid)) is None:
            await self._know_keys(now, every=_REFETCH_EVERY)
            found = self._find(kid)
        return found

    def _find(self, kid: object) -> Key | None:
        if kid is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.kid == kid), None)

    async def _know_keys(self, now: datetime, *, every: timedelta) -> None:
        if _is_fresh(self._keys_at, now, every):
            return
        async with self._asking:
            if _is_fresh(self._keys_at, now, every):
                return
            endpoints = await self._endpoints_now(now)
            answer = await self._ask(endpoints.keys, now)
            self._keys, self._keys_at = _keys_in(answer.document), now

    async def _discovered(self, now: datetime) -> Endpoints:
        async with self._asking:
            return await self._endpoints_now(now)

    async def _endpoints_now(self, now: datetime) -> Endpoints:
        if self._endpoints is None or not _is_fresh(self._discovered_at, now, _DISCOVERED_FOR):
            url = f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration"
            answer = await self._ask(url, now)
            self._endpoints, self._discovered_at = self._endpoints_in(answer, url), now
        return self._endpoints

    async def _ask(self, url: str, now: datetime) -> Fetched:
        """One at a time; what has just failed fails at once, for those who have waited for it."""
        if _is_fresh(self._failed_at, now, _AWAY_FOR):
            raise ProviderAway("the provider was away just now")
        try:
            answer = await _published(url)
        except ProviderAway as away:
            self._failed_at = now
            log.warning("The provider of sign-ins is away", why=str(away))
            raise
        return answer

    def _endpoints_in(self, answer: Fetched, url: str) -> Endpoints:
        said = answer.document
        if said.get("issuer") != self.settings.issuer:
            log.error("OIDC_ISSUER is not what the provider calls itself", provider=str(said.get("issuer"))[:200])
            raise ProviderAway(f"{url} is of another issuer")
        named = {name: said.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
        for name, endpoint in named.items():
            if not may_be_asked(endpoint, plain=self._plain):
                raise ProviderAway(f"{url} has no {name} of https")
        ways = said.get("token_endpoint_auth_methods_supported")
        by_form = isinstance(ways, list) and "client_secret_basic" not in ways and "client_secret_post" in ways
        return Endpoints(
            authorization=str(named["authorization_endpoint"]),
            token=str(named["token_endpoint"]),
            keys=str(named["jwks_uri"]),
            by_form=by_form,
        )


def _is_fresh(at: datetime | None, now: datetime, within: timedelta) -> bool:
    """Also false where the clock was set back."""
    return at is not None and timedelta(0) <= now - at < within


async def _published(url: str) -> Fetched:
    answer = await fetch(url)
    if answer.status != 200:
        raise ProviderAway(f"{url} answers {answer.status}")
    return answer


def _redeemed(answer: Fetched) -> Redeemed:
    said = answer.document
    if answer.status != 200:
        error = str(said.get("error"))[:100]
        if error == "invalid_grant":
            raise CodeRefused
        log.error("The provider of sign-ins refuses the API, not a person: look at the settings OIDC_*", error=error)
        raise ProviderAway(f"the token endpoint answers {answer.status}: {error}")
    id_token, access_token = said.get("id_token"), said.get("access_token")
    if not isinstance(id_token, str):
        raise ProviderAway("the token endpoint answers no ID token")
    return Redeemed(id_token=id_token, access_token=access_token if isinstance(access_token, str) else None)


def _keys_in(document: dict[str, Any]) -> list[Key]:
    """Those that can prove a signature; what is not known, or is secret, is passed over."""
    said = document.get("keys")
    found = []
    for one in said if isinstance(said, list) else ():
        if isinstance(one, dict) and one.get("kty") in _ASYMMETRIC and one.get("use") in (None, "sig"):
            try:
                found.append(JWKRegistry.import_key(one))
            except (JoseError, ValueError, TypeError):
                continue
    return found
