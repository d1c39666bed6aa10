"""Attack: who asks says by ``X-Forwarded-For`` that they are somebody else, for whom what they do is counted then."""

from ipaddress import ip_network
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from api.edge.proxies import TrustedProxies, read_address

PROXY, INNER = "10.0.0.7", "10.1.2.3"
NETWORKS = tuple(ip_network(text) for text in ("10.0.0.0/8", "::1/128", "fd00::/8"))


async def who_asks(*forwarded: str, peer: str | None = PROXY, proto: str = "", networks: Any = NETWORKS) -> str | None:
    """The address for which a request counts, by the headers in their order."""
    seen: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    headers += [(b"x-forwarded-proto", proto.encode())] if proto else []
    scope: Scope = {"type": "http", "headers": headers, "client": (peer, 50000) if peer else None, "scheme": "http"}
    nothing: Any = None
    await TrustedProxies(app, networks)(scope, nothing, nothing)
    return seen[0]["client"][0] if seen[0]["client"] else None


async def test_by_default_nobody_is_believed() -> None:
    for peer in ("127.0.0.1", "::1", PROXY, "203.0.113.9"):
        assert await who_asks("198.51.100.1", peer=peer, networks=()) == peer


@pytest.mark.parametrize("peer", ["203.0.113.9", "11.0.0.1", "2001:db8::1", "testclient", None])
async def test_who_is_no_proxy_is_not_believed(peer: str | None) -> None:
    assert await who_asks("198.51.100.1", peer=peer, proto="https") == peer


@pytest.mark.parametrize(
    ("forwarded", "asks"),
    [
        (["198.51.100.1"], "198.51.100.1"),
        (["192.0.2.66, 198.51.100.1"], "198.51.100.1"),  # what was sent to the proxy stands left of its own word
        ([INNER + ", 192.0.2.66, 198.51.100.1"], "198.51.100.1"),
        ([f"192.0.2.66, 198.51.100.1, {INNER}"], "198.51.100.1"),  # one proxy behind another
        (["192.0.2.66", "198.51.100.1"], "198.51.100.1"),  # several headers are one list
        (["198.51.100.1", INNER], "198.51.100.1"),
        (["198.51.100.1:4711"], "198.51.100.1"),
        (["[2001:db8::5]:4711"], "2001:db8::5"),
        (["[2001:db8::5]"], "2001:db8::5"),
        (["2001:db8::5"], "2001:db8::5"),
        (["fe80::1%eth0"], "fe80::1"),
        (["::ffff:198.51.100.1"], "198.51.100.1"),
        (["  198.51.100.1  "], "198.51.100.1"),
    ],
)
async def test_behind_a_proxy_it_is_the_last_that_is_none(forwarded: list[str], asks: str) -> None:
    assert await who_asks(*forwarded) == asks


@pytest.mark.parametrize(
    "forwarded",
    [
        [],
        [""],
        [INNER],
        ["unknown"],
        ["_hidden"],
        ["198.51.100.1, nonsense"],
        ["198.51.100.1,"],
        [f"198.51.100.1, , {INNER}"],
        ["198.51.100.1\t198.51.100.2"],
        ["999.1.1.1"],
        ["[::"],
        ["é"],
        ["," * 5000],
    ],
)
async def test_what_is_no_address_leaves_the_connections_own(forwarded: list[str]) -> None:
    assert await who_asks(*forwarded) == PROXY


async def test_a_proxy_that_came_by_ipv6_is_the_same() -> None:
    assert await who_asks("198.51.100.1", peer=f"::ffff:{PROXY}") == "198.51.100.1"
    assert await who_asks("198.51.100.1", peer="fd00::7") == "198.51.100.1"


async def test_its_scheme_is_the_proxys_word_too() -> None:
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["scheme"])

    nothing: Any = None
    for peer, proto in ((PROXY, b"https"), (PROXY, b"http, HTTPS"), (PROXY, b"gopher"), ("203.0.113.9", b"https")):
        scope: Scope = {
            "type": "http",
            "headers": [(b"x-forwarded-proto", proto)],
            "client": (peer, 1),
            "scheme": "http",
        }
        await TrustedProxies(app, NETWORKS)(scope, nothing, nothing)
    assert seen == ["https", "https", "http", "http"]


def test_reading_an_address() -> None:
    assert read_address("1.2.3.4:") is not None
    assert read_address("1.2.3.4:5:6") is None
