"""The addresses at which others find the product: an answer, by TLS with a good certificate where production wants it,
and of the API through the proxy in front of it."""

import asyncio
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx

from config import Settings
from ops.doctor.findings import Finding, Findings, first_line, ok, warning, wrong

SOON = timedelta(days=14)  # a certificate that ends within it has not been renewed in time
_SECONDS = 5.0
_ANY_PATH = "/v1"  # nothing is there, which the API says itself; of `/healthz` it does not look at the host
_PROBLEM = "application/problem+json"
_OIDC = "/.well-known/openid-configuration"


async def look(settings: Settings) -> Findings:
    if settings.production:
        for name, url in _public(settings).items():
            yield await _certificate(name, url)
        if settings.api_public_url and (through := await _through_the_proxy(settings.api_public_url)):
            yield through
    yield await _own_api(settings)
    if settings.oidc_issuer:
        yield await _provider(settings.oidc_issuer)


def _public(settings: Settings) -> Mapping[str, str]:
    named = {
        "PUBLIC_URL": settings.public_url,
        "STAFF_URL": settings.staff_url,
        "API_PUBLIC_URL": settings.api_public_url,
    }
    return {name: url for name, url in named.items() if url}


def trusted() -> ssl.SSLContext:
    """The authorities of this machine."""
    return ssl.create_default_context()


async def _certificate(name: str, url: str) -> Finding:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=trusted(), server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        todo = "let the proxy in front renew it, and see that it serves the whole chain"
        return wrong(name, f"the certificate of {host} is refused ({error.verify_message})", todo)
    except (OSError, TimeoutError) as error:
        todo = "see that the proxy runs, that the name leads to it, and whether this machine may reach it"
        return warning(name, f"{host}:{port} is not reached from here ({first_line(error)})", todo)
    try:
        shown = writer.get_extra_info("peercert")
        ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC)
    finally:
        writer.close()
    said = f"the certificate of {host} is good until {ends:%Y-%m-%d}"
    if ends - datetime.now(UTC) < SOON:
        return warning(name, said, "see why the proxy in front has not renewed it")
    return ok(name, said)


async def _through_the_proxy(url: str) -> Finding | None:
    """None where there is no connection, of which the certificate's finding tells."""
    about, asked = "API_PUBLIC_URL", f"{url.rstrip('/')}{_ANY_PATH}"
    try:
        answer = await _get(asked, trusting=trusted())
    except (httpx.ConnectError, httpx.ConnectTimeout):
        return None
    except httpx.HTTPError as error:
        return wrong(about, f"{asked} gives no answer ({first_line(error)})", "see what the log of the proxy says")
    if answer.status_code == httpx.codes.MISDIRECTED_REQUEST:
        host = urlsplit(url).hostname
        todo = f"add {host} to ALLOWED_HOSTS, and have the proxy hand on Host as it came"
        return wrong(about, f"the API refuses this host (421), as it does not know {host}", todo)
    if answer.status_code in (502, 503, 504):
        todo = "start `python server.py`, and see that the proxy leads to API_HOST and API_PORT"
        return wrong(about, f"the proxy answers {answer.status_code}: it does not reach the API", todo)
    if not answer.headers.get("content-type", "").startswith(_PROBLEM):
        said = f"something else than the API answers at {asked} ({answer.status_code})"
        return wrong(about, said, "see that the name leads to your proxy, and that the proxy leads to the API")
    return ok(about, "the API answers through the proxy")


async def _own_api(settings: Settings) -> Finding:
    """As a server of these settings listens; one on another machine is asked there."""
    host = settings.api_host if settings.api_host not in ("0.0.0.0", "::", "") else "127.0.0.1"  # noqa: S104 - asked
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.api_port}/readyz"
    try:
        answer = await _get(url)
    except httpx.HTTPError:
        todo = "start `python server.py`, or run this where it runs"
        return warning("api", f"nothing answers at {url}", todo)
    if answer.status_code == httpx.codes.OK:
        return ok("api", f"{url} says that it is ready")
    return wrong("api", f"{url} answers {answer.status_code}: {answer.text[:200]}", "mend what it names")


async def _provider(issuer: str) -> Finding:
    try:
        answer = await _get(f"{issuer.rstrip('/')}{_OIDC}")
        named = answer.raise_for_status().json().get("issuer")
    except (httpx.HTTPError, ValueError, AttributeError) as error:
        todo = "see that OIDC_ISSUER is written as the provider does, and that this machine reaches it"
        return wrong("sign-in provider", f"it does not tell of itself ({first_line(error)})", todo)
    if named != issuer:
        return wrong("sign-in provider", f"it names itself {named}", "write OIDC_ISSUER just so, to the last slash")
    return ok("sign-in provider", f"{issuer} tells of itself")


async def _get(url: str, *, trusting: ssl.SSLContext | bool = True) -> httpx.Response:
    async with httpx.AsyncClient(timeout=_SECONDS, trust_env=False, verify=trusting) as http:
        return await http.get(url)
