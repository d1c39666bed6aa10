"""Calling a given address: within a time and a size, and never where it must not lead."""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from urllib.parse import urljoin

import httpx

from activities.gateways.outbound.failures import AddressRefused, NotReached
from activities.gateways.outbound.network import CheckedTransport, Resolver, resolve
from activities.gateways.outbound.unpacking import ACCEPTED, read_within
from rules.outbound import Trouble, trouble_with

SECONDS = 10.0  # for a whole call: names, redirects and the last byte of the answer included
NAME = "Care-Journeys"
LARGEST = 5_000_000  # bytes of an answer, unpacked
_REDIRECTS = (301, 302, 303, 307, 308)
_NOT_FOR_OTHERS = ("authorization", "cookie")  # what was meant for one origin goes to no other


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Attributes:
    status: of HTTP, any but a redirect that was followed.
    headers: of the answer, their names in whatever case.
    body: unpacked.
    url: that was asked last.
    """

    status: int
    headers: httpx.Headers
    body: bytes
    url: str

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300


class Door:
    """One for a program. Each call makes a connection of its own, to an address that was looked at for this call."""

    def __init__(
        self,
        *,
        private: bool,
        resolver: Resolver = resolve,
        seconds: float = SECONDS,
        largest: int = LARGEST,
        authorities: ssl.SSLContext | None = None,
    ) -> None:
        """``private``: whether plain http and private addresses are let through. ``authorities``: whose certificates
        are trusted; None: this machine's."""
        self._private, self._resolver = private, resolver
        self._seconds, self._largest, self._authorities = seconds, largest, authorities

    def transport(self) -> CheckedTransport:
        """For a library that brings its own HTTP client: addresses are looked at, time and size are its own matter."""
        return CheckedTransport(
            private=self._private,
            authorities=self._authorities or _authorities(),
            resolver=self._resolver,
            seconds=self._seconds,
        )

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        redirects: int = 0,
        password: bool = False,
        head_alone: bool = False,
    ) -> Answer:
        """The answer, of whatever status.

        Args:
            redirects: how many are followed, each looked at as the first address was; with none a redirect is the
                answer. The method stays, but for 303, which asks by GET.
            password: whether the address may have ``user:password@`` in it.
            head_alone: whether the body is left unread, whatever it is.

        Raises AddressRefused, NotReached (TooLarge among them).
        """
        with _told():
            async with (
                asyncio.timeout(self._seconds),
                httpx.AsyncClient(transport=self.transport(), timeout=self._seconds, trust_env=False) as client,
            ):
                sent = {"Accept-Encoding": ACCEPTED, "User-Agent": NAME} | dict(headers or {})
                for _ in range(redirects + 1):
                    if refused := trouble_with(url, private=self._private, password=password):
                        raise AddressRefused(refused)
                    answer = await self._ask(client, method, url, sent, content, head_alone=head_alone)
                    target = answer.headers.get("location")
                    if not redirects or answer.status not in _REDIRECTS or not target:
                        return answer
                    onward = _onward(url, target)
                    if _origin(onward) != _origin(url):
                        sent = {name: value for name, value in sent.items() if name.lower() not in _NOT_FOR_OTHERS}
                    if answer.status == 303:
                        method, content = "GET", None
                    url = onward
                raise NotReached(Trouble.TOO_MANY_REDIRECTS)

    async def _ask(
        self,
        client: httpx.AsyncClient,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        *,
        head_alone: bool,
    ) -> Answer:
        async with client.stream(method, url, headers=headers, content=content) as answer:
            body = b""
            if not head_alone:
                encoding = answer.headers.get("content-encoding", "")
                body = await read_within(answer.aiter_raw(), encoding=encoding, at_most=self._largest)
            return Answer(status=answer.status_code, headers=answer.headers, body=body, url=url)


@contextmanager
def _told() -> Iterator[None]:
    """What the libraries say of a call that failed, in our words."""
    try:
        yield
    except (TimeoutError, httpx.TimeoutException) as error:
        raise NotReached(Trouble.TIMED_OUT) from error
    except httpx.ConnectError as error:
        raise NotReached(Trouble.NOT_TRUSTED if _is_about_tls(error) else Trouble.NOT_CONNECTED) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise AddressRefused(Trouble.NO_ADDRESS) from error
    except httpx.NetworkError as error:
        raise NotReached(Trouble.CUT_OFF) from error
    except httpx.RemoteProtocolError as error:
        # The library's word for both: an end too early, and what is no HTTP.
        early = "disconnected" in str(error) or "closed connection" in str(error)
        raise NotReached(Trouble.CUT_OFF if early else Trouble.NO_HTTP) from error
    except httpx.HTTPError as error:
        raise NotReached(Trouble.NO_HTTP) from error


def _onward(url: str, target: str) -> str:
    """Where a redirect leads. Raises NotReached where that is no address at all."""
    try:
        return urljoin(url, target)
    except ValueError as error:
        raise NotReached(Trouble.NO_HTTP) from error


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return "", "", None
    return parts.scheme, parts.host, parts.port


def _is_about_tls(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


@cache
def _authorities() -> ssl.SSLContext:
    """Read once: it takes a while."""
    return ssl.create_default_context()
