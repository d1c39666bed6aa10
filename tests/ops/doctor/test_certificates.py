"""Certificates of the addresses that others use: good, ending, of nobody who is trusted, or not reached."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
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

from local.processes import free_port
from ops.doctor import addresses
from ops.doctor.findings import Verdict
from tests.ops.doctor.deployment import Deployment, look

At = Callable[[timedelta], AbstractAsyncContextManager[str]]


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
    async def at(ends_in: timedelta) -> AsyncIterator[str]:
        certificate, key = _certificate(tmp_path, ends_in=ends_in)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.load_verify_locations(certificate)
        monkeypatch.setattr(addresses, "trusted", lambda: trusting)
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
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
