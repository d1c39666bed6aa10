"""``python -m ops.doctor`` as it is run: settings, exit codes, and what is asked for by name."""

import pytest

from ops.doctor.__main__ import main
from ops.doctor.given import look_at_settings
from tests.local.environment import PRODUCTION, SECRETS, given
from tests.ops.doctor.deployment import Deployment

NOWHERE = {"DATABASE_URL": "postgresql://app:hunter2@127.0.0.1:1/care", "TEMPORAL_ADDRESS": "127.0.0.1:1"}


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *names: str, **environment: str
) -> tuple[int, list[str]]:
    given(monkeypatch, **environment)
    code = main(names, environment)
    return code, capsys.readouterr().out.splitlines()


def test_every_refusal_is_a_line_with_what_the_setting_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {**PRODUCTION, "PUBLIC_URL": "http://care.test", "STRIPE_API_KEY": "sk_test_1", "PAYLOAD_KEY": "x"}
    code, lines = run(monkeypatch, capsys, "settings", **wrong)
    assert code == 1
    for name in ("STRIPE_API_KEY is refused in production: it is a test key", "PUBLIC_URL is refused in production"):
        assert [line for line in lines if line.startswith(f"wrong   settings: {name}")], lines
    assert [line for line in lines if line.endswith("nothing reads PAYLOAD_KEY -> did you mean PAYLOAD_KEYS?")]
    assert [line for line in lines if "PUBLIC_URL is the booking site, to which mails link" in line]
    assert not [line for line in lines if any(secret in line for secret in SECRETS)]


def test_settings_without_a_meaning_leave_nothing_else_to_look_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = run(monkeypatch, capsys, "settings", "database", ENVIRONMENT="elsewhere")
    assert code == 1
    assert [line.split(":")[0] for line in lines[:1]] == ["wrong   settings"]
    assert lines[-1] == "With settings that cannot be read nothing else can be looked at."


def test_settings_as_they_should_be(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = run(monkeypatch, capsys, "settings", **PRODUCTION, STAFF_SECOND_FACTOR="required")
    assert code == 0, lines
    assert lines[-1] == "2 ok, 0 warning, 0 wrong."
    bad = {"SITE_API_KEY": "short", "DATABASE_OWNER_URL": PRODUCTION["DATABASE_URL"].replace("app", "owner")}
    code, lines = run(monkeypatch, capsys, "settings", **PRODUCTION, STAFF_SECOND_FACTOR="required", **bad)
    assert code == 1
    assert [line.split(":")[0] for line in lines if "SITE_API_KEY" in line or "API_URL" in line] == [
        "wrong   pages"
    ] * 2
    assert [line for line in lines if line.startswith("warning settings: DATABASE_OWNER_URL is given")]


def test_wrong_connections_are_looked_at_though_settings_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = run(monkeypatch, capsys, "settings", "database", "engine", **{**PRODUCTION, **NOWHERE})
    assert code == 1
    assert [line[:16] for line in lines if line.startswith("wrong ")] == ["wrong   database", "wrong   engine: "]
    assert "hunter2" not in "\n".join(lines)


async def test_templates_that_cannot_be_used(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("mails")
    (folder / "no_such_mail").mkdir()
    settings = deployment.read(monkeypatch, MAIL_TEMPLATES=str(folder))
    assert "wrong   mail templates: " in "\n".join(map(str, look_at_settings(settings, [], deployment.given)))
