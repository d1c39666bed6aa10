"""Asking the provider, within bounds: each call ends in time, reads only so much, and follows no redirect."""

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx

from api.problems import Refused, refuse
from rules.refusals import Problem

WITHIN = 5.0  # seconds for a whole call
LONGEST = 256 * 1024  # bytes of an answer
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}  # what is packed could be larger than it looks


class ProviderAway(Exception):
    """The provider did not answer, or not as one does: nothing is known of whoever wants to sign in."""


def provider_away() -> Refused:
    detail = "The provider by which staff sign in does not answer now. Try again shortly, or sign in by password."
    return refuse(Problem.ENGINE_UNAVAILABLE, detail)


@dataclass(frozen=True, kw_only=True)
class Fetched:
    status: int
    document: dict[str, Any]


async def fetch(
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    document: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Fetched:
    """The JSON object that is answered to a GET, or to a POST of the ``form`` or the ``document``; an empty one with
    204. Raises ProviderAway."""
    method = "GET" if form is None and document is None else "POST"
    body = bytearray()
    try:
        async with (
            asyncio.timeout(WITHIN),
            httpx.AsyncClient(verify=_authorities(), timeout=WITHIN) as client,
            client.stream(method, url, data=form, json=document, headers={**_HEADERS, **(headers or {})}) as answer,
        ):
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > LONGEST:
                    raise ProviderAway(f"{url} answers more than {LONGEST} bytes")
            status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
        raise ProviderAway(f"{url} does not answer: {type(error).__name__}") from error
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
        raise ProviderAway(f"{url} answers {status}")
    if status == httpx.codes.NO_CONTENT:
        return Fetched(status=status, document={})
    try:
        told = json.loads(bytes(body))
    except (ValueError, RecursionError) as error:
        raise ProviderAway(f"{url} answers no JSON, with the status {status}") from error
    if not isinstance(told, dict):
        raise ProviderAway(f"{url} answers no JSON object")
    return Fetched(status=status, document=told)


def may_be_asked(url: object, *, plain: bool) -> bool:
    """Whether it is an address of https; or, where ``plain``, of http on this machine."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.username is not None or not host:
        return False
    return parts.scheme == "https" or (plain and parts.scheme == "http" and is_loopback(host))


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@cache
def _authorities() -> ssl.SSLContext:
    """Read once: it takes a while."""
    return ssl.create_default_context()
