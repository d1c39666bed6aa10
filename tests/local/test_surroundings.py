"""What a stack takes from the shell: with temporary data nothing that could reach somebody real."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

import dev
from config import Settings, read_settings
from local.processes import Log
from local.stack import LocalStack, Ports, settings_of_a_practice
from tests.local.test_dev import Running

SHELL = {
    "STRIPE_API_KEY": "sk_test_mine",
    "STRIPE_API_BASE": "http://127.0.0.1:9/stripe",
    "STRIPE_WEBHOOK_SECRET": "whsec_mine",
    "sendgrid_api_key": "SG.mine",
    "API_KEYS": "admin:me:mine",
    "PAYLOAD_KEYS": "mine:bWluZW1pbmVtaW5lbWluZW1pbmVtaW5lbWluZW1pbmU=",
    "PUBLIC_URL": "http://mine.example",
    "POLICY__CHARGE_AFTER": "PT5S",
    "POLICY__FORMS_REMINDERS": "",
    "TEMPORAL_API_KEY": "mine",
}
TELL = """
import json
from config import read_settings
from config.development import DEV_STRIPE_WEBHOOK_SECRET
s = read_settings()
print(json.dumps({
    "stripe": s.stripe_base, "sendgrid": s.sendgrid_host, "keys": [key.name for key in s.api_keys],
    "payload_key": s.payload_keys.current[0], "site": s.site_url,
    "webhooks": s.stripe_webhook_secret.get_secret_value() == DEV_STRIPE_WEBHOOK_SECRET,
    "charge_after": s.policy.charge_after.total_seconds(), "forms_reminders": len(s.policy.forms_reminders),
    "notice_window": s.policy.notice_window.total_seconds(),
}))
"""


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SHELL.items():
        monkeypatch.setenv(name, value)


async def _told(folder: Path, *, temporary: bool, env: dict[str, str]) -> dict[str, object]:
    """The settings that a program of such a stack reads."""
    stack = LocalStack(data_dir=folder, ports=Ports(), log=Log(console=False), temporary=temporary, env=env)
    program = stack.program("teller", "-c", TELL)
    await program.start()
    assert await program.wait() == 0, program.tail
    await program.all_read()
    await program.stop()
    told: dict[str, object] = json.loads(program.last_words)
    return told


async def test_with_temporary_data_only_what_is_given_counts(shell: None, tmp_path: Path) -> None:
    told = await _told(tmp_path, temporary=True, env={"POLICY__NOTICE_WINDOW": "PT1H"})
    assert told == {
        "stripe": "http://127.0.0.1:8400/stripe",
        "sendgrid": "http://127.0.0.1:8400/sendgrid",
        "keys": ["site", "desk", "root"],
        "payload_key": "dev",
        "site": "http://localhost:8080",
        "webhooks": True,
        "charge_after": 86400,
        "forms_reminders": 2,
        "notice_window": 3600,
    }
    stack = LocalStack(data_dir=tmp_path, ports=Ports(), log=Log(console=False), temporary=True, env={})
    assert stack._setting("STRIPE_WEBHOOK_SECRET") is None


async def test_with_lasting_data_the_shell_counts(shell: None, tmp_path: Path) -> None:
    told = await _told(tmp_path, temporary=False, env={})
    assert told["stripe"] == SHELL["STRIPE_API_BASE"]
    assert told["sendgrid"] is None  # SendGrid itself
    assert told["keys"] == ["me"]
    assert told["charge_after"] == 5


def test_every_setting_is_either_the_stacks_own_or_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"DATA_DIR", *(f"{name.upper()}_PORT" for name in asdict(Ports()))}
    names = {name.upper() for name in Settings.model_fields} - {"POLICY", "ENGINE"}
    for name in names:
        monkeypatch.setenv(name, "x")
    assert names - set(settings_of_a_practice()) == own


def test_the_first_lines_say_when_services_are_real(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in settings_of_a_practice():
        monkeypatch.delenv(name)
    stack = LocalStack(data_dir=tmp_path, ports=Ports(), log=Log(console=False), temporary=False, env={})
    told = dev._where_to_look(stack, read_settings())
    assert "http://127.0.0.1:8400/stripe/_state" in told
    assert "REAL" not in told
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.mine")
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_mine")
    told = dev._where_to_look(stack, read_settings())
    assert "REALLY SENT, through SendGrid" in told
    assert "at Stripe itself" in told
    assert "REAL MONEY" not in told
    monkeypatch.setenv("STRIPE_API_KEY", "sk_live_mine")
    monkeypatch.setenv("ENVIRONMENT", "development")  # a live key wants it said
    assert "REAL MONEY MOVES" in dev._where_to_look(stack, read_settings())


def test_time_travel_leaves_the_shells_practice_alone(tmp_path: Path) -> None:
    ports = Ports.free()
    named = {f"{name.upper()}_PORT": str(port) for name, port in asdict(ports).items()}
    environment = {"PATH": os.environ["PATH"], **SHELL, "STRIPE_API_KEY": "sk_live_mine", **named}
    running = Running(environment, tmp_path / "log", "--time-travel")
    try:
        running.wait_until_serving()
        said = running.log.read_text()
        assert f"http://127.0.0.1:{ports.sandbox}/stripe/_state" in said
        assert "dev-care-team" in said
        assert "REAL" not in said
    finally:
        running.process.terminate()
        assert running.process.wait(timeout=60) == 0
