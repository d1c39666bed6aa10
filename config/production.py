"""What production refuses, each with why; and what nothing starts with while nobody said what this is."""

import os
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from pydantic import SecretStr

from config import connections, hosts, strength
from config.development import (
    DEV_API_KEYS,
    DEV_CHAIN_KEYS,
    DEV_PAYLOAD_KEYS,
    DEV_SENDGRID_API_KEY,
    DEV_SENDGRID_WEBHOOK_PUBLIC_KEY,
    DEV_STRIPE_WEBHOOK_SECRET,
)
from config.settings import Settings
from engine.codec import PayloadKeys
from rules.accounts.passkeys import NoPasskeysThere, relying_party

NEEDED_IN_PRODUCTION = {
    "DATABASE_URL": "production has no embedded database",
    "TEMPORAL_ADDRESS": "production has no embedded Temporal",
    "STRIPE_API_KEY": "the development key reaches only the stand-in",
    "STRIPE_WEBHOOK_SECRET": "without it anybody could report a payment",
    "SENDGRID_API_KEY": "the development key reaches only the stand-in",
    "SENDGRID_WEBHOOK_PUBLIC_KEY": "without it anybody could report a bounce",
    "EMAIL_FROM": "mails need a sender of yours",
    "API_KEYS": "the development keys are public",
    "PAYLOAD_KEYS": "the development key is public",
    "CHAIN_KEYS": "with the development key anybody could forge the timeline",
    "PUBLIC_URL": "mails link to it",
    "INSURANCE_EMAIL": "mails name it",
    "CARE_TEAM_EMAIL": "tasks are mailed to it",
}


def _role(url: SecretStr | None) -> str | None:
    return urlsplit(url.get_secret_value()).username if url is not None else None


def _owners_url(settings: Settings) -> str:
    """The owner's URL; empty if there is none, as for programs that do not migrate."""
    return settings.database_owner_url.get_secret_value() if settings.database_owner_url is not None else ""


def refused_in_production(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    given = {name.upper() for name, value in environment.items() if value}
    if settings.engine.address != f"127.0.0.1:{settings.temporal_port}":
        given.add("TEMPORAL_ADDRESS")  # by a profile of the SDK's
    missing = [f"{name} must be set: {why}." for name, why in NEEDED_IN_PRODUCTION.items() if name not in given]
    if not given & {"ANCHOR_EMAIL", "ANCHOR_FILE"}:
        missing.append(
            "ANCHOR_EMAIL or ANCHOR_FILE must be set: a timeline that ends early is found by its anchors alone."
        )

    refused = _public(settings)
    if settings.database_owner_url is not None and _role(settings.database_owner_url) == _role(settings.database_url):
        refused["DATABASE_URL"] = "its role is that of DATABASE_OWNER_URL, and the programs must own no table"
    if settings.time_travel_address:
        refused["TIME_TRAVEL_ADDRESS"] = "the clock cannot be moved in production"
    for name, why in _weak(settings):
        refused.setdefault(name, why)
    if not settings.private_network:
        url = settings.database if settings.database_url else ""
        for name, why in connections.unprotected(url, settings.engine, environment, owners=_owners_url(settings)):
            refused[name] = f"{why}; {connections.REMEDIES[name]}"
        collectors = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": settings.otel_exporter_otlp_endpoint or "",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": settings.otel_exporter_otlp_traces_endpoint or "",
        }
        for name, collector in collectors.items():
            if collector.startswith("http://") and not hosts.is_this_machine(urlsplit(collector).hostname or ""):
                refused[name] = f"traces name workflows: give https://, {connections.WAY_OUT}"
    web = {
        "PUBLIC_URL": settings.public_url,
        "STAFF_URL": settings.staff_url,
        "API_PUBLIC_URL": settings.api_public_url,
        "OIDC_ISSUER": settings.oidc_issuer,
        "STRIPE_API_BASE": settings.stripe_api_base,
        "SENDGRID_API_HOST": settings.sendgrid_api_host,
        "GOOGLE_CALENDAR_BASE": settings.google_calendar_base,
        "OUTLOOK_CALENDAR_BASE": settings.outlook_calendar_base,
    }
    refused.update(
        {name: "it must start with https://" for name, url in web.items() if (url or "").startswith("http://")}
    )
    return missing + [
        f"{name} is refused in production: {because}." for name, because in refused.items() if name in given
    ]


def _public(settings: Settings) -> dict[str, str]:
    """Values for development or for tests, which anybody has: each with why it is refused."""
    public_secrets = {entry.rpartition(":")[2] for entry in DEV_API_KEYS.split(",")}
    public_names = [key.name for key in settings.api_keys if key.secret.get_secret_value() in public_secrets]
    public_key = PayloadKeys.parse(DEV_PAYLOAD_KEYS).current[1]
    public_chain_key = PayloadKeys.parse(DEV_CHAIN_KEYS).current[1]
    refused: dict[str, str] = {}
    if re.match(r"(sk|rk)_test_", settings.stripe_api_key.get_secret_value()):
        refused["STRIPE_API_KEY"] = "it is a test key, which moves no money"
    if settings.stripe_webhook_secret.get_secret_value() == DEV_STRIPE_WEBHOOK_SECRET:
        refused["STRIPE_WEBHOOK_SECRET"] = "the development value is public"  # noqa: S105 - a sentence
    if settings.sendgrid_api_key.get_secret_value() == DEV_SENDGRID_API_KEY:
        refused["SENDGRID_API_KEY"] = "the development key is public"
    if settings.sendgrid_webhook_public_key.text == DEV_SENDGRID_WEBHOOK_PUBLIC_KEY:
        refused["SENDGRID_WEBHOOK_PUBLIC_KEY"] = "whoever has this code can sign for the development key"
    if public_names:
        refused["API_KEYS"] = f"the development keys are public ({', '.join(public_names)})"
    if any(key == public_key for _, key in settings.payload_keys.keys):
        refused["PAYLOAD_KEYS"] = "the development key is public"
    if any(key == public_chain_key for _, key in settings.chain_keys.keys):
        refused["CHAIN_KEYS"] = "the development key is public"
    return refused


def _weak(settings: Settings) -> Iterator[tuple[str, str]]:
    """Secrets that could be guessed, each with why; of several in one setting, the first."""
    for key in settings.api_keys:
        if why := strength.weak_secret(key.secret.get_secret_value()):
            yield "API_KEYS", f"the secret of {key.name!r}: {why}"
    for setting, keys in (("PAYLOAD_KEYS", settings.payload_keys), ("CHAIN_KEYS", settings.chain_keys)):
        for id_, key_bytes in keys.keys:
            if why := strength.weak_key(key_bytes):
                yield setting, f"the key {id_!r}: {why}"
    payload_keys = {key_bytes for _, key_bytes in settings.payload_keys.keys}
    if any(key_bytes in payload_keys for _, key_bytes in settings.chain_keys.keys):
        yield "CHAIN_KEYS", "a key of PAYLOAD_KEYS is among them, and who can open rows must not be able to sign"
    vendors = {
        "STRIPE_API_KEY": settings.stripe_api_key,
        "STRIPE_WEBHOOK_SECRET": settings.stripe_webhook_secret,
        "SENDGRID_API_KEY": settings.sendgrid_api_key,
    }
    of_programs = {
        "OIDC_CLIENT_SECRET": settings.oidc_client_secret,
        "GOOGLE_CALENDAR_CLIENT_SECRET": settings.google_calendar_client_secret,
        "OUTLOOK_CALENDAR_CLIENT_SECRET": settings.outlook_calendar_client_secret,
    }
    vendors |= {name: secret for name, secret in of_programs.items() if secret is not None}
    for name, secret in vendors.items():
        if why := strength.weak_secret(secret.get_secret_value()):
            yield name, why


def refused_without_environment(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    """What nobody has for development by chance: then it must be said which of the two this is."""
    foreign = ", ".join(connections.foreign_hosts(settings.database, environment)) if settings.database_url else ""
    signs = {
        "STRIPE_API_KEY is a live key": re.match(r"(sk|rk)_live_", settings.stripe_api_key.get_secret_value()),
        f"DATABASE_URL leads to {foreign}": foreign,
        f"API_HOST is {settings.api_host}": not hosts.is_this_machine(settings.api_host),
    }
    return [
        f"ENVIRONMENT must be set, to production or to development: {sign}." for sign, there in signs.items() if there
    ]


def _without_passkeys(url: str) -> str:
    """Why nobody can use a passkey there; empty where they can."""
    try:
        relying_party(url)
    except NoPasskeysThere as why:
        return f"nobody can use a passkey. {why}"
    return ""


def ways_out(settings: Settings, *, serving: bool = False) -> list[str]:
    """For the log at the start in production: what is plain, and why it was let through; and what may be weaker than it
    need be. ``serving`` is the API."""
    if not settings.production:
        return []
    said = connections.let_through(
        settings.database,
        settings.engine,
        os.environ,
        owners=_owners_url(settings),
        private_network=settings.private_network,
    )
    if serving and settings.staff_second_factor == "optional":
        said.append("STAFF_SECOND_FACTOR=optional: people of the practice may sign in by a password alone")
    if serving:
        pages = {"PUBLIC_URL": settings.public_url, "STAFF_URL": settings.staff_url}
        said += [f"{name}: {why}" for name, url in pages.items() if url and (why := _without_passkeys(url))]
    if serving and not hosts.is_this_machine(settings.api_host):
        said.append(f"API_HOST: plain HTTP on {settings.api_host}; what ends TLS in front must be alone with it")
    return said
