"""Sign-ins by OpenID Connect: what a provider's word on a second factor counts for."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class FactorClaim(StrEnum):
    """In which claim a provider says how somebody signed in (RFC 8176; OpenID Connect Core, 2)."""

    AMR = "amr"
    ACR = "acr"


@dataclass(frozen=True, kw_only=True)
class TrustedFactor:
    """A value of a claim with which, the practice says, this provider has asked for a second factor."""

    claim: FactorClaim
    value: str


def factor_is_shown(trusted: Collection[TrustedFactor], *, amr: Collection[str], acr: str | None) -> bool:
    """Whether the provider says one of the values that are trusted: by default none is."""
    said = {FactorClaim.AMR: frozenset(amr), FactorClaim.ACR: frozenset() if acr is None else frozenset({acr})}
    return any(one.value in said[one.claim] for one in trusted)
