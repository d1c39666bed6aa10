"""An environment that production starts with, and the way to give another one."""

import os

import pytest

from config import Settings, SettingsProblem, read_settings

SECRETS = (
    "hunter2",
    "sk_live_4f9Kq2ZrT8vLx1Ws7Nc3Yb6M",
    "whsec_Jm5Qe8Rt2Yu7Io1Pa4Sd6Fg9Hj3Kl0Zx",
    "SG.aB3dE5fG7hI9jK1lM3nO5p.qR7sT9uV1wX3yZ5aB7cD9eF1gH3iJ5kL7mN9oP1qR3",
    "mK8Zr2Xv6Qw1Ty5Nb9Lc3Jd7Hf4Gs0PaUe",
    "Ou4Iy8Tr2Ew6Qa1Zs5Xd9Cf3Vg7Bh0NjKl",
    "u5zgVSrWXaPqwnNRQDO9wrOTtCF24N9a1z/OhJ1vccY=",
    "pT3v0mJ8yXk1cQe6rLwZb5NhUa9sDf2gVi4oKx7tBuM=",
)
_DATABASE, _STRIPE, _WEBHOOK, _SENDGRID, _DESK, _ROOT, _PAYLOADS, _CHAIN = SECRETS
PRODUCTION = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": f"postgresql://app:{_DATABASE}@db.example/care?sslmode=verify-full",
    "TEMPORAL_ADDRESS": "engine.example:7233",
    "TEMPORAL_TLS": "true",
    "STRIPE_API_KEY": _STRIPE,
    "STRIPE_WEBHOOK_SECRET": _WEBHOOK,
    "SENDGRID_API_KEY": _SENDGRID,
    "SENDGRID_WEBHOOK_PUBLIC_KEY": (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEHlvOtwzWsuOn8SH2rd8sQHlqyWOQ4NUynq2JnxxJzYpy5QzRyC5Df2cIuvKOsUXqWRYauWR6"
        "RdZuwH+RxjVXig=="
    ),
    "EMAIL_FROM": "care@practice.test",
    "API_KEYS": f"care_team:desk:{_DESK},admin:root:{_ROOT}",
    "PAYLOAD_KEYS": f"2026:{_PAYLOADS}",
    "CHAIN_KEYS": f"2026:{_CHAIN}",
    "ANCHOR_EMAIL": "notary@elsewhere.test",
    "PUBLIC_URL": "https://care.test/",
    "INSURANCE_EMAIL": "insurance@practice.test",
    "CARE_TEAM_EMAIL": "team@practice.test",
}
_OTHERS = {name.upper() for name in Settings.model_fields}
_BEGINNINGS = ("POLICY__", "TEMPORAL_", "STRIPE_", "SENDGRID_", "PG")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper() in _OTHERS or name.upper().startswith(_BEGINNINGS):
            monkeypatch.delenv(name)


def given(monkeypatch: pytest.MonkeyPatch, **environment: str) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def problems(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    """What is said against these settings, one sentence each."""
    given(monkeypatch, **environment)
    with pytest.raises(SettingsProblem) as told:
        read_settings()
    return told.value.problems
