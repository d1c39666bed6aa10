"""Codes of authenticator apps (TOTP, RFC 6238): SHA-1, six digits, thirty seconds, as every such app makes them.

A secret that was copied into another row opens nothing.
"""

from datetime import datetime

import pyotp
from pyotp.exceptions import OTPVerificationError

from rules.accounts.second_factors import DIGITS, SKEW, STEP_SECONDS, is_totp


def new_secret() -> str:
    """160 random bits, in base32."""
    return pyotp.random_base32()


def uri_of(secret: str, *, account: str, issuer: str) -> str:
    """What a QR code for the app says. ``issuer`` and ``account`` tell whoever has several which one it is."""
    return _app(secret).provisioning_uri(name=account, issuer_name=issuer)


def step_of(secret: str, code: str, *, at: datetime) -> int | None:
    """The time step whose code this is, in its normal form: the present one, or one beside it. None if it is none."""
    if not is_totp(code):
        return None
    try:
        return _app(secret).verify_and_get_timecode(code, for_time=at, valid_window=SKEW)
    except OTPVerificationError:
        return None


def _app(secret: str) -> pyotp.TOTP:
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS)
