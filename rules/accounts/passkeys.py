"""Passkeys (WebAuthn): for which pages they are good, for how long a challenge is, and what a counter tells."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from ipaddress import ip_address
from urllib.parse import urlsplit

CHALLENGE_BYTES = 32
CHALLENGE_TTL = timedelta(minutes=5)  # of the world's time
CHALLENGES_OF_VISITOR = 60  # within a quarter of an hour: a page that offers passkeys asks for one when it is shown
LARGEST_PUBLIC_KEY = 1024  # bytes: RSA with 4096 bits has half of that
LARGEST_CREDENTIAL_ID = 1023  # bytes, as the standard has it
_DEFAULT_PORTS = {"https": 443, "http": 80}


class ChallengePurpose(StrEnum):
    """What is asked of a passkey. What was signed for one of these is good for no other."""

    REGISTRATION = "registration"  # that it is there, and its owner too: it is being set up
    SIGN_IN = "sign_in"  # with nothing else
    BESIDE_PASSWORD = "beside_password"  # noqa: S105 - a name
    BESIDE_LINK = "beside_link"  # which was mailed to set a new password
    CHANGE = "change"  # of second factors, by whoever has signed in


@dataclass(frozen=True, kw_only=True)
class RelyingParty:
    """``id``: the host that browsers bind passkeys to. ``origin``: where the pages come from that may ask for them."""

    id: str
    origin: str


class NoPasskeysThere(ValueError):
    """Browsers know no passkeys for pages at this address; the message is a sentence."""


def relying_party(url: str) -> RelyingParty:
    """Of the pages at this address. Raises NoPasskeysThere."""
    parts = urlsplit(url)
    try:
        host = (parts.hostname or "").encode("idna").decode()
        port = parts.port
    except ValueError:  # no name that a browser could look up
        host, port = "", None
    if not host or _is_number(host):
        raise NoPasskeysThere(f"Browsers bind passkeys to the name of a host, and {url} has none.")
    if parts.scheme != "https" and host != "localhost" and not host.endswith(".localhost"):
        raise NoPasskeysThere(f"Browsers know passkeys on https:// and on localhost alone, and {url} is neither.")
    shown = "" if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    return RelyingParty(id=host, origin=f"{parts.scheme}://{host}{shown}")


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def credential_hash(credential_id: bytes) -> str:
    """Under which a passkey is found. In hex."""
    return sha256(credential_id).hexdigest()


def went_back(*, known: int, said: int) -> bool:
    """Whether a counter of signatures tells that there are two authenticators with one key. Those that do not count say
    0 for ever."""
    return (known > 0 or said > 0) and said <= known


def default_name(transports: Collection[str], *, synced: bool) -> str:
    """What a passkey is called to which its owner gave no name. ``transports``: ways to reach its authenticator, as
    browsers name them; ``synced``: it may be on several devices."""
    if synced:
        return "Synced passkey"
    on_a_wire = {"usb", "nfc", "ble", "smart-card"}
    return "Security key" if transports and on_a_wire.issuperset(transports) else "Passkey of one device"
