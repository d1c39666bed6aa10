"""The addresses that others use: certificates that are good, ending, of nobody who is trusted, or not reached; and what
a proxy hands on."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from api.edge.hosts import _BY_ADDRESS
from local.processes import free_port
from ops.doctor import addresses
from ops.doctor.findings import Verdict
from tests.ops.doctor.deployment import Deployment, look

Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
At = Callable[..., AbstractAsyncContextManager[str]]


async def _silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def _with(answer: str) -> Answering:
    """``answer``: the status, and the type of what it says."""
    status, _, kind = answer.partition(" ")

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (await reader.read(1000)).startswith(b"GET /v1 "):
            head = f"HTTP/1.1 {status} .\r\nContent-Type: {kind}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            writer.write(head.encode())
            await writer.drain()
        writer.close()

    return answers


def _certificate(folder: Path, *, ends_in: timedelta) -> tuple[Path, Path]:
    """For this machine, signed by itself; and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "care.test")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + ends_in)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> At:
    """What ends TLS, with a certificate that ends so soon, which this machine trusts."""

    @asynccontextmanager
    async def at(ends_in: timedelta, answering: Answering | None = None) -> AsyncIterator[str]:
        certificate, key = _certificate(tmp_path, ends_in=ends_in)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.load_verify_locations(certificate)
        monkeypatch.setattr(addresses, "trusted", lambda: trusting)
        server = await asyncio.start_server(answering or _silent, "127.0.0.1", 0, ssl=context)
        async with server:
            yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    return at


async def _told(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, url: str) -> tuple[Verdict, str]:
    monkeypatch.delenv("API_PUBLIC_URL", raising=False)
    settings = deployment.read(monkeypatch, PUBLIC_URL=url).model_copy(
        update={"environment": "production", "api_public_url": None}
    )
    [finding] = [each for each in await look(settings, "addresses") if each.about == "PUBLIC_URL"]
    assert bool(finding.todo) == (finding.verdict is not Verdict.OK)
    return finding.verdict, finding.said


@pytest.mark.parametrize(("days", "verdict"), [(60, Verdict.OK), (5, Verdict.WARNING)])
async def test_until_when_one_is_good_is_told(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, proxy: At, days: int, verdict: Verdict
) -> None:
    async with proxy(timedelta(days=days)) as url:
        ends = datetime.now(UTC) + timedelta(days=days)
        assert await _told(deployment, monkeypatch, url) == (
            verdict,
            f"the certificate of 127.0.0.1 is good until {ends:%Y-%m-%d}",
        )


async def test_one_that_has_ended_or_is_nobodys_is_refused(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, proxy: At
) -> None:
    async with proxy(timedelta(days=-1)) as url:
        told = await _told(deployment, monkeypatch, url)
        assert told == (Verdict.WRONG, "the certificate of 127.0.0.1 is refused (certificate has expired)")
    async with proxy(timedelta(days=60)) as url:
        monkeypatch.setattr(addresses, "trusted", lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        verdict, said = await _told(deployment, monkeypatch, url)
        assert (verdict, said[:41]) == (Verdict.WRONG, "the certificate of 127.0.0.1 is refused (")


async def test_an_address_that_is_not_reached_from_here_may_be_right(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict, said = await _told(deployment, monkeypatch, f"https://127.0.0.1:{free_port()}")
    assert verdict is Verdict.WARNING
    assert "is not reached from here" in said


@pytest.mark.parametrize(
    "row",
    [
        ("404 application/problem+json", "the API answers through the proxy", ""),
        ("421 application/problem+json", "the API refuses this host (421)", "add 127.0.0.1 to ALLOWED_HOSTS"),
        ("502 text/html", "the proxy answers 502: it does not reach the API", "start `python server.py`"),
        ("404 text/html", "something else than the API answers", "see that the name leads to your proxy"),
        ("", "gives no answer", "the log of the proxy"),
    ],
)
async def test_what_comes_through_the_proxy_is_told(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, proxy: At, row: tuple[str, str, str]
) -> None:
    answer, says, todo = row
    async with proxy(timedelta(days=60), _with(answer) if answer else None) as url:
        settings = deployment.read(monkeypatch, API_PUBLIC_URL=url).model_copy(update={"environment": "production"})
        found = [each for each in await look(settings, "addresses") if each.about == "API_PUBLIC_URL"]
    [certificate, through] = found
    assert certificate.verdict is Verdict.OK
    assert says in through.said
    assert todo in through.todo
    assert (through.verdict is Verdict.OK) == (not todo)


def test_the_path_that_is_asked_is_one_at_which_the_api_looks_at_the_host() -> None:
    assert addresses._ANY_PATH not in _BY_ADDRESS
