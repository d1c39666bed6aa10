"""What a provider's word on a second factor counts for."""

import pytest

from rules.accounts.oidc import FactorClaim, TrustedFactor, factor_is_shown

MFA = TrustedFactor(claim=FactorClaim.AMR, value="mfa")
HIGH = TrustedFactor(claim=FactorClaim.ACR, value="high")


@pytest.mark.parametrize(
    ("trusted", "amr", "acr", "shown"),
    [
        ((), ["mfa", "otp", "hwk"], "high", False),
        ((MFA,), ["pwd", "mfa"], None, True),
        ((MFA,), ["pwd"], "mfa", False),
        ((MFA,), [], None, False),
        ((HIGH,), ["high"], "low", False),
        ((HIGH,), [], "high", True),
        ((MFA, HIGH), ["pwd"], "high", True),
    ],
)
def test_it_counts_where_it_is_trusted(
    trusted: tuple[TrustedFactor, ...], amr: list[str], acr: str | None, shown: bool
) -> None:
    assert factor_is_shown(trusted, amr=amr, acr=acr) is shown
