"""The door for given addresses, at real sockets: what it refuses, what it bounds, and what it lets through."""

import asyncio
import gzip
import time
from collections.abc import Sequence
from ipaddress import ip_address

import httpx
import pytest

from activities.gateways.outbound import network
from activities.gateways.outbound.door import Door
from activities.gateways.outbound.failures import AddressRefused, NotReached, OutboundFailure, TooLarge
from rules.outbound import Trouble
from tests.gateways.outbound.servers import answer, authorities, says, serving

PUBLIC = "127.0.0.2"  # stands for an address of the public Internet in these tests


@pytest.fixture
def one_public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "is_public", lambda address: ip_address(address) == ip_address(PUBLIC))


class Names:
    """A resolver that answers, for each name in turn, what a test says; it keeps what it was asked."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self.asked: list[str] = []
        self._answers = {name.replace("_", "."): list(each) for name, each in answers.items()}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self._answers.get(host)
        if not answers:
            raise OSError("no such name")
        return answers.pop(0) if len(answers) > 1 else answers[0]


def strict(names: Names, *, seconds: float = 5.0, largest: int = 5_000_000) -> Door:
    return Door(private=False, resolver=names, seconds=seconds, largest=largest, authorities=authorities())


def local(*, seconds: float = 5.0, largest: int = 5_000_000) -> Door:
    return Door(private=True, seconds=seconds, largest=largest)


async def trouble(door: Door, url: str, *, redirects: int = 0) -> Trouble:
    with pytest.raises(OutboundFailure) as failed:
        await door.call("GET", url, redirects=redirects)
    return failed.value.reason


async def test_a_public_address_is_connected_to_by_its_number_and_asked_by_its_name(one_public: None) -> None:
    names = Names(good_example=[[PUBLIC]])
    async with serving(says(answer(b"hello")), host=PUBLIC, tls=True) as served:
        url = f"https://good.example:{served.port}/hooks"
        got = await strict(names).call("POST", url, headers={"X-Mine": "1"}, content=b"{}")
    assert (got.status, got.body, got.accepted) == (200, b"hello", True)
    assert b"POST /hooks" in served.heads[0]
    assert f"Host: good.example:{served.port}".encode() in served.heads[0]
    assert names.asked == ["good.example"]


async def test_the_certificate_must_be_the_names(one_public: None) -> None:
    async with serving(says(answer()), host=PUBLIC, tls=True) as served:
        names = Names(bad_example=[[PUBLIC]])
        assert await trouble(strict(names), f"https://bad.example:{served.port}/") == Trouble.NOT_TRUSTED
        own = Door(private=True)  # trusts this machine's authorities, of which the server's is none
        assert await trouble(own, f"https://127.0.0.1:{served.port}/") == Trouble.NOT_CONNECTED  # it is at .2
        assert await trouble(own, f"https://{PUBLIC}:{served.port}/") == Trouble.NOT_TRUSTED
    assert not served.heads


@pytest.mark.parametrize("found", [["127.0.0.1"], ["10.0.0.1"], ["::1"], ["169.254.169.254"], [PUBLIC, "127.0.0.1"]])
async def test_a_name_that_leads_to_a_private_address_is_not_asked(one_public: None, found: list[str]) -> None:
    async with serving(says(answer()), tls=True) as served:
        names = Names(good_example=[found])
        with pytest.raises(AddressRefused) as refused:
            await strict(names).call("GET", f"https://good.example:{served.port}/")
        assert refused.value.reason == Trouble.PRIVATE_ADDRESS
        assert not served.heads


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1"])
async def test_numbers_in_disguise_are_looked_at_as_what_they_lead_to(host: str) -> None:
    """This machine's own resolver reads them."""
    assert await trouble(Door(private=False), f"https://{host}/") in (
        *(Trouble.PRIVATE_ADDRESS, Trouble.NAME_UNKNOWN, Trouble.NO_ADDRESS),
    )


async def test_a_name_that_changes_its_mind_is_held_to_its_first_word(one_public: None) -> None:
    """DNS rebinding: a second look would find a private address, and there is none."""
    names = Names(good_example=[[PUBLIC], ["127.0.0.1"]])
    async with serving(says(answer(b"ok")), host=PUBLIC, tls=True) as served:
        url = f"https://good.example:{served.port}/"
        assert (await strict(names).call("GET", url)).body == b"ok"
        assert names.asked == ["good.example"]
        assert await trouble(strict(names), url) == Trouble.PRIVATE_ADDRESS  # the next call looks anew


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("https://127.0.0.1:1/", Trouble.PRIVATE_ADDRESS),
        ("https://other.example/", Trouble.PRIVATE_ADDRESS),
        ("http://good.example/", Trouble.NOT_HTTPS),
        ("//[::1]/", Trouble.PRIVATE_ADDRESS),
        ("https://me:secret@good.example/", Trouble.HAS_PASSWORD),
        ("file:///etc/passwd", Trouble.NO_ADDRESS),
        ("https://[bad", Trouble.NO_ADDRESS),
        ("http://a]b/", Trouble.NO_ADDRESS),
    ],
)
async def test_a_redirect_to_where_it_must_not_lead_is_not_followed(
    one_public: None, target: str, told: Trouble
) -> None:
    names = Names(good_example=[[PUBLIC]], other_example=[["127.0.0.1"]])
    async with serving(says(answer(status="302 Found", Location=target)), host=PUBLIC, tls=True) as served:
        assert await trouble(strict(names), f"https://good.example:{served.port}/", redirects=5) == told


async def test_a_redirect_is_followed_without_what_was_meant_for_the_first(one_public: None) -> None:
    names = Names(good_example=[[PUBLIC]], other_example=[[PUBLIC]])
    async with serving(says(answer(b"there")), host=PUBLIC, tls=True) as other:
        onward = answer(status="307 Temporary Redirect", Location=f"https://other.example:{other.port}/x")
        async with serving(says(onward), host=PUBLIC, tls=True) as first:
            url = f"https://good.example:{first.port}/"
            got = await strict(names).call("GET", url, headers={"Authorization": "Basic eDp5"}, redirects=1)
            assert (got.body, got.url) == (b"there", f"https://other.example:{other.port}/x")
            assert b"Authorization" in first.heads[0]
            assert b"uthorization" not in other.heads[0]
            assert (await strict(names).call("POST", url, content=b"x")).status == 307  # none is followed unasked


async def test_redirects_without_end() -> None:
    async with serving(says(answer(status="302 Found", Location="/again"))) as served:
        url = f"http://127.0.0.1:{served.port}/"
        assert await trouble(local(), url, redirects=3) == Trouble.TOO_MANY_REDIRECTS
        assert len(served.heads) == 4


async def test_plain_and_private_addresses_on_a_private_network() -> None:
    async with serving(says(answer(b"ok"))) as served:
        url = f"http://127.0.0.1:{served.port}/"
        assert (await local().call("GET", url)).body == b"ok"
        assert await trouble(Door(private=False), url) == Trouble.NOT_HTTPS


async def test_an_answer_that_drips_ends_when_the_time_is_up() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    async with serving(says(head, *[b"x"] * 1000, pause=0.05)) as served:
        began = time.monotonic()
        assert await trouble(local(seconds=0.5), f"http://127.0.0.1:{served.port}/") == Trouble.TIMED_OUT
        assert time.monotonic() - began < 2


async def test_a_head_that_drips_and_a_name_that_is_never_found_end_too() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    async with serving(says(*[b"H"] * 1000, pause=0.05)) as served:
        assert await trouble(local(seconds=0.3), f"http://127.0.0.1:{served.port}/") == Trouble.TIMED_OUT
    assert await trouble(Door(private=True, resolver=never, seconds=0.3), "http://x.example/") == Trouble.TIMED_OUT


async def test_a_server_that_says_nothing() -> None:
    async with serving(says(hold=True)) as served:
        assert await trouble(local(seconds=0.3), f"http://127.0.0.1:{served.port}/") == Trouble.TIMED_OUT


async def test_a_body_without_end() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    async with serving(says(head, *[b"x" * 10_000] * 100)) as served:
        with pytest.raises(TooLarge):
            await local(largest=100_000).call("GET", f"http://127.0.0.1:{served.port}/")


async def test_a_small_body_that_unpacks_to_a_large_one() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000, mtime=0)
    assert len(bomb) < 60_000
    async with serving(says(answer(bomb, Content_Encoding="gzip"))) as served:
        with pytest.raises(TooLarge):
            await local().call("GET", f"http://127.0.0.1:{served.port}/")


async def test_a_packed_body_is_unpacked() -> None:
    async with serving(says(answer(gzip.compress(b"hello" * 1000, mtime=0), Content_Encoding="gzip"))) as served:
        assert (await local().call("GET", f"http://127.0.0.1:{served.port}/")).body == b"hello" * 1000


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (answer(b"no gzip", Content_Encoding="gzip"), Trouble.NO_HTTP),
        (answer(gzip.compress(b"x" * 1000, mtime=0)[:-9], Content_Encoding="gzip"), Trouble.CUT_OFF),
        (answer(b"x", Content_Encoding="br"), Trouble.NO_HTTP),
        (b"SSH-2.0-OpenSSH_9.6\r\nnot for you\r\n\r\n", Trouble.NO_HTTP),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", Trouble.CUT_OFF),
        (b"", Trouble.CUT_OFF),
    ],
)
async def test_answers_that_are_none(said: bytes, told: Trouble) -> None:
    async with serving(says(said)) as served:
        assert await trouble(local(), f"http://127.0.0.1:{served.port}/") == told


async def test_nobody_there() -> None:
    async with serving(says()) as served:
        pass
    assert await trouble(local(seconds=2), f"http://127.0.0.1:{served.port}/") == Trouble.NOT_CONNECTED
    assert await trouble(Door(private=True, resolver=Names()), "http://x.example/") == Trouble.NAME_UNKNOWN


async def test_the_next_address_of_a_name_is_tried() -> None:
    async with serving(says(answer(b"ok"))) as served:
        names = Names(good_example=[["127.0.0.3", "127.0.0.1"]])
        got = await Door(private=True, resolver=names).call("GET", f"http://good.example:{served.port}/")
    assert got.body == b"ok"


async def test_a_librarys_own_client_goes_through_the_same_door(one_public: None) -> None:
    names = Names(good_example=[["127.0.0.1"]])
    async with httpx.AsyncClient(transport=strict(names).transport(), follow_redirects=True) as client:
        with pytest.raises(AddressRefused):
            await client.get("https://good.example/")
        with pytest.raises(AddressRefused):
            await client.get("http://good.example/")


async def test_what_is_told_names_no_address() -> None:
    with pytest.raises(NotReached) as failed:
        await Door(private=True, resolver=Names()).call("GET", "http://secret-token.example/abc")
    assert "secret" not in str(failed.value)
