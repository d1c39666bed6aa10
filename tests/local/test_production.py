"""What production refuses, what gets it through all the same, and that this is said."""

import asyncio
import base64
import json
import os
import re
import sys

import httpx
import pytest

from config import read_settings, ways_out
from config.connections import foreign_hosts, is_verified
from config.hosts import is_this_machine
from config.strength import LEAST_SECRET
from local.processes import ROOT, free_port
from tests.local.environment import PRODUCTION, bare_environment, given, problems

__all__ = ["bare_environment"]

FOREIGN = "postgresql://app@db.example/care"
LOCAL = "postgresql://app@127.0.0.1:1/care"
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - a setting


def _key(text: bytes, id: str = "2026") -> str:
    return f"{id}:{base64.b64encode(text).decode()}"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("API_KEYS", "care_team:desk:s3cret", f"'desk': it has 6 characters, and needs at least {LEAST_SECRET}"),
        ("API_KEYS", f"{PRODUCTION['API_KEYS']},booking_site:web:{'aB3' * 20}", "'web': it has 3 different characters"),
        ("PAYLOAD_KEYS", _key(b"our-practice-has-a-long-password"), "it is text in base64"),
        ("PAYLOAD_KEYS", f"{PRODUCTION['PAYLOAD_KEYS']},{_key(bytes(range(8)) * 4, 'old')}", "'old': it repeats"),
        ("PAYLOAD_KEYS", _key(bytes(32)), "it repeats itself"),
        ("CHAIN_KEYS", PRODUCTION["PAYLOAD_KEYS"], "a key of PAYLOAD_KEYS is among"),
        ("STRIPE_API_KEY", "sk_live_1", "it has 9 characters"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_1", "it has 7 characters"),
        ("SENDGRID_API_KEY", "SG.1", "it has 4 characters"),
        ("DATABASE_URL", FOREIGN, "db.example is the database; give sslmode=verify-full"),
        ("DATABASE_URL", f"{FOREIGN}?sslmode=require", "give sslmode=verify-full"),
        ("DATABASE_URL", f"{FOREIGN}?sslmode=verify-ca", "give sslmode=verify-full"),
        ("DATABASE_URL", "postgresql://127.0.0.1,db.example/care", "db.example"),
        ("DATABASE_OWNER_URL", "postgresql://owner@db.example/care", "db.example is the database; give sslmode"),
        ("TEMPORAL_TLS", "false", "engine.example:7233 is reached without TLS"),
    ],
)  # fmt: skip
def test_production_refuses(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    (told,) = problems(monkeypatch, **{**PRODUCTION, name: value})
    assert re.match(rf"{name.replace('TLS', 'ADDRESS')} is refused in production: ", told)
    assert says in told
    assert value not in told


def test_everything_that_is_refused_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    weak = {
        "API_KEYS": "admin:root:short",
        "PAYLOAD_KEYS": _key(bytes(32)),
        "TEMPORAL_TLS": "false",
        "DATABASE_URL": FOREIGN,
    }
    told = problems(monkeypatch, **{**PRODUCTION, **weak})
    assert {sentence.split(" ")[0] for sentence in told} == {
        "API_KEYS",
        "PAYLOAD_KEYS",
        "TEMPORAL_ADDRESS",
        "DATABASE_URL",
    }
    assert all(sentence.endswith(".") for sentence in told)


def test_what_is_missing_hides_nothing_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **{**PRODUCTION, "TEMPORAL_TLS": "false"})
    monkeypatch.delenv("DATABASE_URL")
    assert [sentence.split(" ")[0] for sentence in problems(monkeypatch)] == ["DATABASE_URL", "TEMPORAL_ADDRESS"]


def test_a_key_for_temporal_brings_tls_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **PRODUCTION)
    monkeypatch.delenv("TEMPORAL_TLS")
    monkeypatch.setenv("TEMPORAL_API_KEY", "key")
    assert read_settings().engine.tls


@pytest.mark.parametrize(
    ("url", "environment", "verified"),
    [
        (f"{FOREIGN}?sslmode=verify-full", {}, True),
        (f"{FOREIGN}?sslrootcert=system", {}, True),
        (f"{FOREIGN}?sslrootcert=system&sslmode=require", {}, False),
        (FOREIGN, {"PGSSLMODE": "verify-full"}, True),
        (f"{FOREIGN}?sslmode=disable", {"PGSSLMODE": "verify-full"}, False),
        (FOREIGN, {}, False),
    ],
)
def test_whether_the_database_is_proved(url: str, environment: dict[str, str], verified: bool) -> None:
    assert is_verified(url, environment) == verified


@pytest.mark.parametrize(
    ("url", "environment", "hosts"),
    [
        (FOREIGN, {}, ("db.example",)),
        (LOCAL, {"PGHOST": "db.example"}, ()),
        ("postgresql://app@[::1]:5432/care", {}, ()),
        ("postgresql:///care?host=/run/postgresql", {}, ()),
        ("postgresql:///care", {}, ()),
        ("postgresql:///care", {"PGHOST": "db.example"}, ("db.example",)),
        ("postgresql:///care?service=main", {}, ("a service file's host",)),
        ("postgresql://localhost/care?hostaddr=10.0.0.7", {}, ("10.0.0.7",)),
        ("postgresql://localhost,db.example,10.0.0.7/care", {}, ("db.example", "10.0.0.7")),
        ("postgresql://localhost.evil.example/care", {}, ("localhost.evil.example",)),
    ],
)
def test_where_the_database_is(url: str, environment: dict[str, str], hosts: tuple[str, ...]) -> None:
    assert foreign_hosts(url, environment) == hosts


@pytest.mark.parametrize("host", [EVERY_ADDRESS, "::", "10.0.0.7", "localhost.example", "127.example", "fe80::1", "db"])
def test_others_are_not_this_machine(host: str) -> None:
    assert not is_this_machine(host)


# ---------------------------------------------------------------- the ways out


def test_on_this_machine_connections_may_be_plain_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    given(
        monkeypatch,
        **{**PRODUCTION, "DATABASE_URL": LOCAL, "TEMPORAL_ADDRESS": "localhost:7233", "TEMPORAL_TLS": "false"},
    )
    assert ways_out(read_settings()) == [
        "DATABASE_URL: a plain connection on this machine",
        "TEMPORAL_ADDRESS: a plain connection on this machine",
    ]


def test_on_a_private_network_too_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = {"DATABASE_URL": FOREIGN, "TEMPORAL_TLS": "false", "PRIVATE_NETWORK": "yes"}
    given(monkeypatch, **{**PRODUCTION, **plain})
    database, engine = ways_out(read_settings())
    assert database.startswith("PRIVATE_NETWORK=yes lets DATABASE_URL through: ")
    assert "db.example" in database
    assert engine.startswith("PRIVATE_NETWORK=yes lets TEMPORAL_ADDRESS through: ")
    assert "hunter2" not in database


def test_a_private_network_excuses_no_weak_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    (told,) = problems(monkeypatch, **{**PRODUCTION, "PRIVATE_NETWORK": "yes", "API_KEYS": "admin:root:short"})
    assert told.startswith("API_KEYS")


def test_where_all_is_well_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **PRODUCTION, STAFF_SECOND_FACTOR="required")
    assert ways_out(read_settings(), serving=True) == []
    monkeypatch.setenv("PRIVATE_NETWORK", "yes")
    assert ways_out(read_settings()) == [
        "PRIVATE_NETWORK=yes is not needed: no connection leaves this machine unprotected"
    ]


def test_plain_http_to_others_is_said_by_who_serves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **PRODUCTION, STAFF_SECOND_FACTOR="required", API_HOST=EVERY_ADDRESS)
    (told,) = ways_out(read_settings(), serving=True)
    assert told.startswith(f"API_HOST: plain HTTP on {EVERY_ADDRESS}")
    assert ways_out(read_settings()) == []


def test_who_lets_people_in_by_a_password_alone_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **PRODUCTION)
    (told,) = ways_out(read_settings(), serving=True)
    assert told.startswith("STAFF_SECOND_FACTOR=optional: ")
    assert ways_out(read_settings()) == []
    (wrong,) = problems(monkeypatch, **PRODUCTION, STAFF_SECOND_FACTOR="yes")
    assert wrong == "STAFF_SECOND_FACTOR cannot be used: it must be 'optional' or 'required'."


@pytest.mark.parametrize("name", ["PUBLIC_URL", "STAFF_URL"])
def test_an_address_at_which_browsers_know_no_passkeys_is_said(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    given(monkeypatch, **PRODUCTION | {name: "https://192.0.2.7/staff"}, STAFF_SECOND_FACTOR="required")
    (told,) = ways_out(read_settings(), serving=True)
    assert told.startswith(f"{name}: nobody can use a passkey. Browsers bind passkeys to the name of a host")


@pytest.mark.parametrize("program", ["worker.py", "server.py"])
async def test_both_programs_say_it_in_their_log(program: str) -> None:
    """And the API is then as production wants it: HTTPS alone, own hosts alone, no description."""
    port = free_port()
    plain = {
        "DATABASE_URL": "postgresql://app@127.0.0.1:1/care",
        "TEMPORAL_ADDRESS": "127.0.0.1:1",
        "TEMPORAL_TLS": "false",
    }
    environment = {"PATH": os.environ["PATH"], **PRODUCTION, **plain, "API_PORT": str(port)}
    running = await asyncio.create_subprocess_exec(
        sys.executable, program, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert running.stdout
        said = [json.loads(await asyncio.wait_for(running.stdout.readline(), 60)) for _ in range(2)]
        assert [(line["level"], line["event"].partition(":")[0]) for line in said] == [
            ("warning", "DATABASE_URL"),
            ("warning", "TEMPORAL_ADDRESS"),
        ]
        if program == "server.py":
            await running.stdout.readline()
            await _is_as_production_wants_it(f"http://127.0.0.1:{port}")
    finally:
        running.kill()
        await running.wait()


async def _is_as_production_wants_it(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, transport=httpx.AsyncHTTPTransport(retries=5)) as api:
        alive = await api.get("/healthz")
        assert (alive.status_code, alive.headers["strict-transport-security"]) == (200, "max-age=31536000")
        assert (await api.get("/docs", headers={"Host": "care.test"})).status_code == 404
        assert (await api.get("/docs", headers={"Host": "localhost"})).status_code == 421


def test_in_development_nothing_is_said() -> None:
    assert ways_out(read_settings(), serving=True) == []


# ---------------------------------------------------------------- ENVIRONMENT left out


LIVE = {"STRIPE_API_KEY": "rk_live_x", "DATABASE_URL": FOREIGN, "API_HOST": EVERY_ADDRESS}


def test_what_nobody_has_by_chance_wants_the_environment_said(monkeypatch: pytest.MonkeyPatch) -> None:
    told = problems(monkeypatch, **LIVE, PRIVATE_NETWORK="yes")
    assert len(told) == 3
    for name, sentence in zip(LIVE, told, strict=True):
        assert sentence.startswith("ENVIRONMENT must be set, to production or to development: ")
        assert name in sentence
    monkeypatch.setenv("ENVIRONMENT", "development")
    assert not read_settings().production


def test_an_empty_environment_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(problems(monkeypatch, ENVIRONMENT="", STRIPE_API_KEY="sk_live_x")) == 1


@pytest.mark.parametrize(
    ("name", "value"), [("STRIPE_API_KEY", "sk_test_x"), ("DATABASE_URL", LOCAL), ("API_HOST", "::1")]
)
def test_what_belongs_to_one_machine_does_not(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    given(monkeypatch, **{name: value})
    read_settings()


# ---------------------------------------------------------------- hosts, and the description


def test_the_hosts_that_the_api_answers_to(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().own_hosts == ("127.0.0.1", "localhost", "[::1]")
    given(monkeypatch, **PRODUCTION, ALLOWED_HOSTS="API.care.test, *.inside.test")
    assert read_settings().own_hosts == ("api.care.test", "*.inside.test", "care.test", "127.0.0.1")
    monkeypatch.setenv("API_HOST", EVERY_ADDRESS)
    assert EVERY_ADDRESS not in read_settings().own_hosts


@pytest.mark.parametrize("host", ["*", "https://api.test", "api.test:443", "api.*", "a b", "*.", "api.test/x"])
def test_what_is_no_host(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    (told,) = problems(monkeypatch, ALLOWED_HOSTS=host)
    assert told.startswith("ALLOWED_HOSTS cannot be used: ")


def test_proxies_are_believed_where_they_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().trusted_proxies == ()
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.7, 192.0.2.9/24,fd00::/8")
    assert [str(network) for network in read_settings().trusted_proxies] == ["10.0.0.7/32", "192.0.2.0/24", "fd00::/8"]


@pytest.mark.parametrize("network", ["*", "proxy.test", "10.0.0.0/33", "0.0.0.0/0", "::/0", "10.0.0.1:80"])
def test_what_is_no_proxy_or_everybody(monkeypatch: pytest.MonkeyPatch, network: str) -> None:
    (told,) = problems(monkeypatch, TRUSTED_PROXIES=network)
    assert told.startswith("TRUSTED_PROXIES cannot be used: ")


def test_the_description_is_shown_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().shows_docs
    monkeypatch.setenv("API_DOCS", "no")
    assert not read_settings().shows_docs
    given(monkeypatch, **PRODUCTION)
    monkeypatch.delenv("API_DOCS")
    assert not read_settings().shows_docs
    monkeypatch.setenv("API_DOCS", "yes")
    assert read_settings().shows_docs
