"""Sign-in of staff by OpenID Connect, as it is set: all of it, or nothing."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from config.hosts import is_this_machine
from rules.accounts.oidc import FactorClaim, TrustedFactor

if TYPE_CHECKING:
    from config.settings import Settings

_NEEDED = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
_BESIDE = ("OIDC_AUDIENCE", "OIDC_SECOND_FACTOR")


def issuer(value: str | None) -> str | None:
    """As the provider writes it in its tokens, to the last slash. Raises ValueError."""
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it must start with https://")
    if parts.scheme == "http" and not is_this_machine(parts.hostname):
        raise ValueError("it must start with https://: plain http:// is for this machine alone")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError("it must have neither a query, nor a fragment, nor a name in it")
    return value


def trusted_factors(text: str) -> tuple[TrustedFactor, ...]:
    """Comma-separated ``amr:value`` and ``acr:value``. Raises ValueError."""
    return tuple(_trusted(part.strip()) for part in text.split(",") if part.strip())


def _trusted(text: str) -> TrustedFactor:
    claim, _, value = text.partition(":")
    if claim not in tuple(FactorClaim) or not value:
        raise ValueError(f"{text!r} is neither amr:value nor acr:value, such as amr:mfa")
    return TrustedFactor(claim=FactorClaim(claim), value=value)


def half_set(settings: "Settings") -> Iterator[str]:
    """What is missing beside what is there, a sentence each."""
    values = {
        "OIDC_ISSUER": settings.oidc_issuer,
        "OIDC_CLIENT_ID": settings.oidc_client_id,
        "OIDC_CLIENT_SECRET": settings.oidc_client_secret,
        "OIDC_AUDIENCE": settings.oidc_audience,
        "OIDC_SECOND_FACTOR": settings.oidc_second_factor,
    }
    given = [name for name in (*_NEEDED, *_BESIDE) if values[name]]
    if given:
        yield from (
            f"{name} must be set beside {given[0]}: sign-in by OpenID Connect needs all of {', '.join(_NEEDED)}."
            for name in _NEEDED
            if not values[name]
        )
