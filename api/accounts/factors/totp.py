"""Codes of authenticator apps (TOTP, RFC 6238): SHA-1, six digits, thirty seconds, as every such app makes them.

The secret is kept encrypted, with its row as context, so that one that was copied into another row opens nothing.
"""

from datetime import datetime
from uuid import UUID

import pyotp
import structlog
from pyotp.exceptions import OTPVerificationError

from engine.codec import DecryptionFailed, PayloadKeys, UnknownKey, decrypt_bytes, encrypt_bytes
from models.tables.accounts.second_factor import SecondFactor
from rules.accounts.second_factors import DIGITS, SKEW, STEP_SECONDS, is_totp

log = structlog.get_logger(__name__)


def new_secret() -> str:
    """160 random bits, in base32."""
    return pyotp.random_base32()


def uri_of(secret: str, *, account: str, issuer: str) -> str:
    """What a QR code for the app says. ``issuer`` and ``account`` tell whoever has several which one it is."""
    return _app(secret).provisioning_uri(name=account, issuer_name=issuer)


def sealed_secret(keys: PayloadKeys, secret: str, *, of: UUID) -> bytes:
    return encrypt_bytes(keys, secret.encode(), context=_context(of))


def opened_secret(keys: PayloadKeys, factor: SecondFactor) -> str | None:
    """None where it has ended, or cannot be opened: its key is gone, or somebody changed the row."""
    if factor.sealed is None:
        return None
    try:
        return decrypt_bytes(keys, factor.sealed, context=_context(factor.id)).decode()
    except (UnknownKey, DecryptionFailed) as error:
        log.error("a second factor cannot be opened", factor=str(factor.id), error=type(error).__name__)  # noqa: TRY400
        return None


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


def _context(of: UUID) -> bytes:
    return f"second factor {of}".encode()
