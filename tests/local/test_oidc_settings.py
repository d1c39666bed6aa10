"""Settings of sign-in by OpenID Connect: all or none, https, and what counts as a second factor; and whom the local UI
lets read payloads."""

import pytest

from config import read_settings
from rules.accounts.oidc import FactorClaim, TrustedFactor
from server import oidc_of
from tests.local.environment import PRODUCTION, bare_environment, given, problems

__all__ = ["bare_environment"]

OIDC = {
    "OIDC_ISSUER": "https://login.practice.test/",
    "OIDC_CLIENT_ID": "care",
    "OIDC_CLIENT_SECRET": "Zr8Kq2XvT6Qw1Ty5Nb9Lc3Jd7Hf4Gs0P",
}


def test_without_any_of_them_nobody_signs_in_so() -> None:
    assert oidc_of(read_settings()) is None


def test_the_issuer_stays_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """To its last slash: tokens are compared with it."""
    given(monkeypatch, **PRODUCTION, **OIDC, STAFF_URL="https://staff.care.test/")
    oidc = oidc_of(read_settings())
    assert oidc is not None
    assert (oidc.issuer, oidc.audience, oidc.trusted) == ("https://login.practice.test/", "care", ())
    assert oidc.staff_url == "https://staff.care.test"
    assert OIDC["OIDC_CLIENT_SECRET"] not in f"{oidc} {read_settings()}"


@pytest.mark.parametrize("missing", OIDC)
def test_it_is_all_or_none(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    (told,) = problems(monkeypatch, **{name: value for name, value in OIDC.items() if name != missing})
    assert told.startswith(f"{missing} must be set beside ")


@pytest.mark.parametrize("beside", [{"OIDC_AUDIENCE": "api"}, {"OIDC_SECOND_FACTOR": "amr:mfa"}])
def test_what_goes_beside_them_says_so(monkeypatch: pytest.MonkeyPatch, beside: dict[str, str]) -> None:
    assert [told.split()[0] for told in problems(monkeypatch, **beside)] == [*OIDC]


@pytest.mark.parametrize(
    "issuer",
    [
        "http://login.practice.test",
        "login.practice.test",
        "ftp://login.practice.test",
        "https://login.practice.test/?x",
        "https://login.practice.test/#x",
        "https://me@login.practice.test",
    ],
)
def test_an_issuer_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, issuer: str) -> None:
    (told,) = problems(monkeypatch, **OIDC | {"OIDC_ISSUER": issuer})
    assert told.startswith("OIDC_ISSUER cannot be used: it must ")


def test_plain_http_is_for_this_machine_and_not_for_production(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = OIDC | {"OIDC_ISSUER": "http://127.0.0.1:9000"}
    given(monkeypatch, **plain)
    assert read_settings().oidc_issuer == "http://127.0.0.1:9000"
    assert problems(monkeypatch, **PRODUCTION, **plain) == [
        "OIDC_ISSUER is refused in production: it must start with https://."
    ]


def test_a_secret_that_could_be_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    (told,) = problems(monkeypatch, **PRODUCTION, **OIDC | {"OIDC_CLIENT_SECRET": "secret"})
    assert told.startswith("OIDC_CLIENT_SECRET is refused in production: it has 6 characters")


def test_what_counts_as_a_second_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **OIDC, OIDC_SECOND_FACTOR="amr:mfa, acr:urn:practice:high", OIDC_AUDIENCE="https://api")
    settings = read_settings()
    assert settings.oidc_second_factor == (
        TrustedFactor(claim=FactorClaim.AMR, value="mfa"),
        TrustedFactor(claim=FactorClaim.ACR, value="urn:practice:high"),
    )
    assert settings.oidc_audience == "https://api"


@pytest.mark.parametrize("text", ["mfa", "amr:", "sub:mfa", "amr"])
def test_what_is_no_such_value(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (told,) = problems(monkeypatch, **OIDC, OIDC_SECOND_FACTOR=text)
    assert told == f"OIDC_SECOND_FACTOR cannot be used: '{text}' is neither amr:value nor acr:value, such as amr:mfa."


@pytest.mark.parametrize(
    ("environment", "trusts"),
    [
        ({}, True),
        ({"ENVIRONMENT": "development", "API_HOST": "10.0.0.8"}, False),
        (PRODUCTION, False),
        ({**PRODUCTION, "CODEC_ORIGINS": "http://127.0.0.1:8233"}, False),
    ],
)
def test_the_address_of_the_ui_opens_payloads_on_one_machine_alone(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], trusts: bool
) -> None:
    given(monkeypatch, **environment)
    assert read_settings().trusts_ui is trusts
