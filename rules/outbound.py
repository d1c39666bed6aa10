"""Addresses that somebody gives for the product to call or to fetch from: which are asked at all (a guard against
server-side request forgery).

What a name resolves to is known only when it is asked: that is looked at then, by :func:`is_public`, at the one door
through which such calls go out.
"""

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Self
from urllib.parse import urlsplit

LONGEST_ADDRESS = 2000  # characters
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_TRANSLATED = IPv6Network("64:ff9b::/96")  # NAT64: the last four bytes are the address that is reached
_TEREDO = IPv6Network("2001::/32")  # a tunnel: where it ends is said by the address itself, in disguise
_RELAYS = IPv4Network("192.88.99.0/24")  # of 6to4


class Trouble(StrEnum):
    """Why there is no answer from an address that was given."""

    sentence: str

    def __new__(cls, value: str, sentence: str = "") -> Self:
        trouble = str.__new__(cls, value)
        trouble._value_, trouble.sentence = value, sentence
        return trouble

    NO_ADDRESS = "no_address", "it is no web address"
    NOT_HTTPS = "not_https", "it must begin with https://"
    HAS_PASSWORD = "has_password", "it must have no user name or password in it"
    PRIVATE_ADDRESS = "private_address", "it leads to a private address"
    NAME_UNKNOWN = "name_unknown", "its name is not known"
    NOT_CONNECTED = "not_connected", "nobody takes the connection"
    NOT_TRUSTED = "not_trusted", "its certificate is not trusted"
    TIMED_OUT = "timed_out", "the answer took too long"
    CUT_OFF = "cut_off", "the connection ended before the answer did"
    NO_HTTP = "no_http", "what is answered cannot be read"
    TOO_LARGE = "too_large", "the answer is too large"
    TOO_MANY_REDIRECTS = "too_many_redirects", "it leads on and on to other addresses"


def trouble_with(url: str, *, private: bool, password: bool = False) -> Trouble | None:
    """What speaks against an address by its letters alone; None: it may be asked.

    Args:
        private: whether plain http and private addresses are allowed (``PRIVATE_NETWORK=yes``, or the local stack).
        password: whether it may have ``user:password@`` in it.
    """
    # Parsers disagree about what is not plain: none of it is needed in an address.
    if len(url) > LONGEST_ADDRESS or "\\" in url or not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        return Trouble.NO_ADDRESS
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return Trouble.NO_ADDRESS
    if parts.scheme not in ("http", "https") or not host or port == 0:
        return Trouble.NO_ADDRESS
    if parts.scheme == "http" and not private:
        return Trouble.NOT_HTTPS
    if "@" in parts.netloc and not password:
        return Trouble.HAS_PASSWORD
    if not private and _is_private_by_name(host):
        return Trouble.PRIVATE_ADDRESS
    return None


def is_public(address: str) -> bool:
    """Whether a numeric address is one of the public Internet, also where it wraps another one."""
    try:
        given = ip_address(address)
    except ValueError:
        return False
    return _is_public_4(given) if isinstance(given, IPv4Address) else _is_public_6(given)


def _is_public_4(address: IPv4Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved or address in _RELAYS)


def _is_public_6(address: IPv6Address) -> bool:
    if address.scope_id:
        return False
    if address.ipv4_mapped is not None:
        return _is_public_4(address.ipv4_mapped)
    if address in _TRANSLATED:
        return _is_public_4(IPv4Address(address.packed[-4:]))
    if address.sixtofour is not None:
        return _is_public_4(address.sixtofour)
    return address.is_global and address in _GLOBAL_UNICAST and address not in _TEREDO


def _is_private_by_name(host: str) -> bool:
    name = host.rstrip(".")
    try:
        ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith((".localhost", ".local", ".internal"))
    return not is_public(name)
