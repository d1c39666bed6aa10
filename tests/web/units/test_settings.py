"""Settings of the pages: every problem at once, in a sentence that names the variable and shows no secret."""

import os
import subprocess
import sys

import pytest

from config import Settings
from local.processes import ROOT
from local.stack import settings_of_a_practice
from tests.web.units.serving import SECRET
from web.settings import WebSettings, WrongSettings, read_settings

PRODUCTION = {
    "ENVIRONMENT": "production",
    "SITE_API_KEY": SECRET,
    "PUBLIC_URL": "https://care.test/",
    "API_URL": "https://api.care.test",
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {name.upper() for name in WebSettings.model_fields}
    for name in list(os.environ):
        if name.upper() in known:
            monkeypatch.delenv(name)


def problems(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings) as told:
        read_settings()
    return told.value.problems


def test_everything_has_a_default_for_one_machine() -> None:
    settings = read_settings()
    assert settings.api_address == "http://127.0.0.1:8000"
    assert (settings.site_url, settings.staff_site_url) == ("http://localhost:8080", "http://localhost:8080/staff")
    assert settings.staff_path == "/staff"
    assert (settings.site_url, settings.staff_site_url) == (Settings().site_url, Settings().staff_site_url)


def test_production_starts_with_values_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**PRODUCTION, "STAFF_URL": "https://team.care.test"}.items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    assert (settings.site_url, settings.api_address) == ("https://care.test", "https://api.care.test")
    assert (settings.staff_site_url, settings.staff_path) == ("https://team.care.test", "")
    assert SECRET not in repr(settings)


def test_production_names_everything_that_is_missing_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told = problems(monkeypatch, ENVIRONMENT="production")
    assert {sentence.split(" ")[0] for sentence in told} == PRODUCTION.keys() - {"ENVIRONMENT"}
    assert all("must be set" in sentence and sentence.endswith(".") for sentence in told)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SITE_API_KEY", "short", "32 characters"),
        ("SITE_API_KEY", "ab" * 20, "10 of them different"),
        ("PUBLIC_URL", "http://care.test", "https:// alone"),
        ("STAFF_URL", "http://team.care.test", "https:// alone"),
        ("API_URL", "http://api.care.test", "use https://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://traces.test", "use https://"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces.test/v1/traces", "use https://"),
        ("TIME_TRAVEL", "yes", "nobody moves its clock"),
        ("DEMO_PEOPLE", "admin:a@practice.test", "a password that is shown"),
    ],
)
def test_production_refuses(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    [told] = problems(monkeypatch, **{**PRODUCTION, name: value})
    assert told.startswith(f"{name} is refused in production: ")
    assert says in told


@pytest.mark.parametrize(
    ("url", "private"), [("http://127.0.0.1:8000", "no"), ("http://[::1]:8000", "no"), ("http://api.lan", "yes")]
)
def test_the_api_may_be_plain_where_nobody_else_is_on_the_wire(
    monkeypatch: pytest.MonkeyPatch, url: str, private: str
) -> None:
    for name, value in {**PRODUCTION, "API_URL": url, "PRIVATE_NETWORK": private}.items():
        monkeypatch.setenv(name, value)
    assert read_settings().api_address == url


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ENVIRONMENT", "prod", "'development' or 'production'"),
        ("WEB_PORT", "70000", "65535"),
        ("API_URL", "api.care.test", "http://"),
        ("PUBLIC_URL", "care.test", "http://"),
        ("PUBLIC_URL", "https://care.test/site", "it has a path"),
        ("STAFF_URL", "http://localhost:8080/", "it is PUBLIC_URL"),
        ("TRUSTED_PROXIES", "10.0.0.0/33", "'10.0.0.0/33' is no address or network"),
        ("TRUSTED_PROXIES", "::/0", "every address"),
        ("PRACTICE_COLOUR", "green", "a colour such as #1f6a5d"),
        ("PRACTICE_COLOUR", "#cccccc", "1.61 to 1"),
        ("PRACTICE_TIME_ZONE", "New York", "not the name of a time zone"),
        ("VIDEO_ROOM_URL", "https://meet.example/", "{room} in it"),
        ("TIME_TRAVEL", "perhaps", "boolean"),
        ("DEMO_PEOPLE", "admin", "role:address"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    [told] = problems(monkeypatch, **{name: value})
    assert told.startswith(f"{name} cannot be used: ")
    assert says in told


def test_a_program_with_bad_settings_says_so_and_leaves_with_2() -> None:
    environment = {"PATH": os.environ["PATH"], "ENVIRONMENT": "production"}
    command = [sys.executable, "website.py"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "SITE_API_KEY must be set" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_stack_with_temporary_data_takes_none_of_them_from_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    of_the_stack = {"WEB_PORT", "API_PORT", "SANDBOX_PORT"}
    wanted = {name.upper() for name in WebSettings.model_fields} - of_the_stack
    for name in wanted:
        monkeypatch.setenv(name, "mine")
    assert wanted <= set(settings_of_a_practice())
