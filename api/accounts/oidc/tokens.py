"""Looking at a provider's tokens (JWT): the signature first, then each claim. Whatever is wrong is `TokenRefused`."""

import base64
import hashlib
import hmac
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from api.accounts.oidc.provider import Provider, Redeemed
from rules.accounts.caller import fold_email
from rules.accounts.oidc import TrustedFactor, factor_is_shown

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
_LEEWAY = 60  # seconds by which two clocks may differ
_LONGEST_SUBJECT = 255
_LONGEST_ADDRESS = 254
_OF_ACCESS = ("at+jwt", "application/at+jwt")
_OF_ID_TOKENS_ALONE = ("nonce", "at_hash", "c_hash")
# Providers may add parameters of their own to a header; what is critical is refused all the same.
_REGISTRY = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)


class TokenRefused(Exception):
    """A token that proves nothing, with why."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Who has signed in at the provider. ``address``, folded, if the provider has verified it. ``factor_shown``: with a
    second factor that the practice trusts."""

    id: str
    address: str | None
    factor_shown: bool


async def subject_of_sign_in(provider: Provider, redeemed: Redeemed, *, nonce: str, now: datetime) -> Subject:
    """From an ID token (OpenID Connect Core, 3.1.3.7). Raises TokenRefused, ProviderAway."""
    settings = provider.settings
    header, claims = await _proven(provider, redeemed.id_token, now=now)
    if str(header.get("typ", "JWT")).upper() != "JWT":
        raise TokenRefused("it is no ID token")
    _must_fit(claims, issuer=settings.issuer, audience=settings.client_id, now=now)
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(errors="replace"), nonce.encode()):
        raise TokenRefused("nonce")
    audience, party = claims["aud"], claims.get("azp")
    if party != settings.client_id and (party is not None or (isinstance(audience, list) and len(audience) > 1)):
        raise TokenRefused("azp")
    if "at_hash" in claims and claims["at_hash"] != _half_hash(header["alg"], redeemed.access_token):
        raise TokenRefused("at_hash")
    return _subject(claims, settings.trusted)


async def subject_of_access(provider: Provider, token: str, *, now: datetime) -> Subject:
    """From an access token (RFC 9068). One whose type is just ``JWT`` could be an ID token, but for another audience.

    Raises TokenRefused, ProviderAway."""
    settings = provider.settings
    header, claims = await _proven(provider, token, now=now)
    kind = str(header.get("typ")).lower()
    if kind not in _OF_ACCESS and (kind != "jwt" or settings.audience == settings.client_id):
        raise TokenRefused("it is no access token")
    if any(claim in claims for claim in _OF_ID_TOKENS_ALONE):
        raise TokenRefused("it is an ID token")
    _must_fit(claims, issuer=settings.issuer, audience=settings.audience, now=now)
    return _subject(claims, settings.trusted)


def is_jwt(token: str) -> bool:
    """Whether it looks like one: none of our own tokens does."""
    return token.startswith("ey") and token.count(".") == 2


async def _proven(provider: Provider, token: str, *, now: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, once one of the provider's keys fits."""
    try:
        signed = jws.extract_compact(token.encode(), registry=_REGISTRY)
        header = signed.headers()
    except (JoseError, ValueError, TypeError, AttributeError) as error:
        raise TokenRefused("it cannot be read") from error
    if header.get("alg") not in ALGORITHMS:
        raise TokenRefused("alg")
    key = await provider.key(header.get("kid"), now=now)
    if key is None:
        raise TokenRefused("kid")
    try:
        if not jws.validate_compact(signed, key, registry=_REGISTRY):
            raise TokenRefused("signature")
        claims = json.loads(signed.payload or b"")
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise TokenRefused("signature") from error
    if not isinstance(claims, dict):
        raise TokenRefused("it has no claims")
    return header, claims


def _must_fit(claims: dict[str, Any], *, issuer: str, audience: str, now: datetime) -> None:
    needed = ClaimsOption(essential=True)
    registry = JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=_LEEWAY,
        iss=ClaimsOption(essential=True, value=issuer),
        aud=ClaimsOption(essential=True, value=audience),
        sub=needed,
        exp=needed,
        iat=needed,
    )
    try:
        registry.validate(claims)
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefused(str(error)) from error


def _half_hash(algorithm: str, access_token: str | None) -> str | None:
    if access_token is None:
        return None
    whole = hashlib.new(f"sha{algorithm[-3:]}", access_token.encode()).digest()
    return base64.urlsafe_b64encode(whole[: len(whole) // 2]).rstrip(b"=").decode()


def _subject(claims: dict[str, Any], trusted: Collection[TrustedFactor]) -> Subject:
    id_, email = claims["sub"], claims.get("email")
    if not 0 < len(id_) <= _LONGEST_SUBJECT or not id_.isprintable():
        raise TokenRefused("sub")
    is_address = isinstance(email, str) and len(email) <= _LONGEST_ADDRESS and email.isprintable()
    verified = is_address and claims.get("email_verified") is True
    amr, acr = claims.get("amr"), claims.get("acr")
    shown = factor_is_shown(
        trusted,
        amr=[one for one in amr if isinstance(one, str)] if isinstance(amr, list) else [],
        acr=acr if isinstance(acr, str) else None,
    )
    return Subject(id=id_, address=fold_email(str(email)) if verified else None, factor_shown=shown)
