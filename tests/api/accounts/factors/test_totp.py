"""Codes of authenticator apps, by the examples of RFC 6238."""

from base64 import b32encode
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from api.accounts.factors.totp import new_secret, step_of, uri_of

SECRET = b32encode(b"12345678901234567890").decode()
# RFC 6238, appendix B, SHA-1: its codes have eight digits, of which an app shows the last six.
EXAMPLES = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]


@pytest.mark.parametrize(("seconds", "code"), EXAMPLES)
def test_the_examples_of_the_standard(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert step_of(SECRET, code[-6:], at=at) == seconds // 30


@pytest.mark.parametrize(("late", "fits"), [(-60, False), (-30, True), (0, True), (30, True), (59, True), (60, False)])
def test_a_clock_may_be_wrong_by_one_step(late: int, fits: bool) -> None:
    at = datetime.fromtimestamp(1111111110, UTC)  # where a step begins
    found = step_of(SECRET, "050471", at=at + timedelta(seconds=late))
    assert found == (37037037 if fits else None)


@pytest.mark.parametrize("code", ["", "50471", "0504711", "05047O", "x" * 200])
def test_what_is_no_code_fits_nothing(code: str) -> None:
    assert step_of(SECRET, code, at=datetime.fromtimestamp(1111111110, UTC)) is None


def test_what_the_qr_code_says() -> None:
    uri = urlsplit(uri_of(SECRET, account="sara+x@mail.example", issuer="Harbour & Sons"))
    assert (uri.scheme, uri.netloc, unquote(uri.path)) == ("otpauth", "totp", "/Harbour & Sons:sara+x@mail.example")
    # SHA-1, six digits and thirty seconds are what every app takes where nothing else is said.
    assert parse_qs(uri.query) == {"secret": [SECRET], "issuer": ["Harbour & Sons"]}


def test_secrets_are_random_and_long_enough() -> None:
    assert len({new_secret() for _ in range(50)}) == 50
    assert len(new_secret()) * 5 == 160
