"""Settings: every problem at once, in a sentence that names the variable; production takes no development value."""

import os
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pytest

import server
from api.settings import ApiSettings
from config import SettingsProblem, development, read_settings
from local.processes import ROOT
from local.stack import WEBHOOK_SECRET
from rules.enums import Role
from rules.money.receipts import Letterhead
from rules.policy import Ceiling, JourneyPolicy
from tests.local.environment import PRODUCTION, SECRETS, bare_environment, given, problems

__all__ = ["bare_environment"]


def test_everything_has_a_default_for_one_machine() -> None:
    settings = read_settings()
    assert settings.stripe_base == "http://127.0.0.1:8400/stripe"
    assert settings.sendgrid_host == "http://127.0.0.1:8400/sendgrid"
    assert [(key.role.value, key.name, key.secret.get_secret_value()) for key in settings.api_keys] == [
        ("booking_site", "site", "dev-booking-site"),
        ("care_team", "desk", "dev-care-team"),
        ("admin", "root", "dev-admin"),
    ]
    assert settings.policy == JourneyPolicy()
    assert settings.engine.address == "127.0.0.1:7233"
    assert settings.site_url == "http://localhost:8080"


def test_the_stand_in_signs_with_the_secret_that_the_api_expects() -> None:
    assert WEBHOOK_SECRET == development.DEV_STRIPE_WEBHOOK_SECRET


def test_a_key_of_ones_own_reaches_the_real_thing(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, STRIPE_API_KEY="sk_test_mine", SENDGRID_API_KEY="SG.mine")
    settings = read_settings()
    assert settings.stripe_base is None
    assert settings.sendgrid_host is None


def test_production_names_everything_that_is_missing_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told = problems(monkeypatch, ENVIRONMENT="production")
    assert {sentence.split(" ")[0] for sentence in told} == set(PRODUCTION) - {"ENVIRONMENT", "TEMPORAL_TLS"}
    assert all("must be set" in sentence and sentence.endswith(".") for sentence in told)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_API_KEY", "sk_test_abc"),
        ("STRIPE_WEBHOOK_SECRET", development.DEV_STRIPE_WEBHOOK_SECRET),
        ("SENDGRID_API_KEY", development.DEV_SENDGRID_API_KEY),
        ("API_KEYS", f"{PRODUCTION['API_KEYS']},booking_site:site:dev-booking-site"),
        ("PAYLOAD_KEYS", f"{PRODUCTION['PAYLOAD_KEYS']},{development.DEV_PAYLOAD_KEYS}"),
        ("CHAIN_KEYS", f"{PRODUCTION['CHAIN_KEYS']},{development.DEV_CHAIN_KEYS}"),
        ("PUBLIC_URL", "http://care.test"),
        ("API_PUBLIC_URL", "http://api.care.test"),
        ("STRIPE_API_BASE", "http://127.0.0.1:8400/stripe"),
        ("TIME_TRAVEL_ADDRESS", "127.0.0.1:7233"),
    ],
)
def test_production_refuses_development_values(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    (told,) = problems(monkeypatch, **{**PRODUCTION, name: value})
    assert told.startswith(f"{name} is refused in production: ")


def test_production_starts_with_values_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **PRODUCTION)
    settings = read_settings()
    assert settings.site_url == "https://care.test"
    assert settings.ui_origins == ()
    shown = repr(settings)
    assert not any(secret in shown for secret in SECRETS)


def test_production_keeps_its_anchors_outside_by_mail_or_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given(monkeypatch, **PRODUCTION)
    monkeypatch.delenv("ANCHOR_EMAIL")
    with pytest.raises(SettingsProblem, match="ANCHOR_EMAIL or ANCHOR_FILE must be set"):
        read_settings()
    given(monkeypatch, ANCHOR_FILE=str(tmp_path / "anchors"))
    assert read_settings().anchor_file == tmp_path / "anchors"


def test_the_programs_own_role_is_no_owner_and_migrates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    (told,) = problems(
        monkeypatch, **PRODUCTION, DATABASE_OWNER_URL="postgresql://app:other@db.example/care?sslmode=verify-full"
    )
    assert told.startswith("DATABASE_URL is refused in production: its role is that of DATABASE_OWNER_URL")
    owner = "postgresql://owner:other@db.example/care?sslmode=verify-full"
    given(monkeypatch, DATABASE_OWNER_URL=owner)
    assert read_settings().owners_database == owner
    monkeypatch.delenv("DATABASE_OWNER_URL")
    with pytest.raises(SettingsProblem, match="DATABASE_OWNER_URL must be set to migrate"):
        _ = read_settings().owners_database
    given(monkeypatch, ENVIRONMENT="development")
    assert read_settings().owners_database == PRODUCTION["DATABASE_URL"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ENVIRONMENT", "prod", "'development' or 'production'"),
        ("DATABASE_URL", "mysql://u:hunter2@h/d", "postgresql://"),
        ("API_PORT", "x", "integer"),
        ("API_PORT", "70000", "65535"),
        ("API_KEYS", "care_team:desk", "entry 1 is not role:name:secret"),
        ("API_KEYS", "boss:desk:hunter2", "'boss'"),
        ("API_KEYS", "admin:a:hunter2,care_team:a:other", "'a' is given twice"),
        ("API_KEYS", "admin:a:hunter2,care_team:b:hunter2", "same secret"),
        ("PAYLOAD_KEYS", "k:aHVudGVyMg==", "7 bytes, not 32"),
        ("CHAIN_KEYS", "k:aHVudGVyMg==", "7 bytes, not 32"),
        ("CHAIN_KEYS", "aHVudGVyMg==", "entry 1 is not id:base64"),
        ("ANCHOR_EMAIL", "nobody", "not an e-mail address"),
        ("DATABASE_OWNER_URL", "mysql://u:hunter2@h/d", "postgresql://"),
        ("EMAIL_FROM", "nobody", "not an e-mail address"),
        ("PUBLIC_URL", "care.example", "http://"),
        ("POLICY__CHARGE_AFTER", "24", "ISO 8601 duration such as PT48H"),
        ("POLICY__CHARGE_AFTER", "-PT5S", "ISO 8601"),
        ("POLICY__APPOINTMENT_REMINDERS", "P1D,soon", "'soon'"),
        ("POLICY__HISTORY_LIMIT", "0", "whole number"),
        ("POLICY__HISTORY_LIMIT", "19", "must be at least 20"),
        ("POLICY__CHARGE_SOMEDAY", "P1D", "no setting of the policy"),
        ("POLICY__CHARGE_AFTER", "P3D", "POLICY__CHARGE_DEADLINE"),
        ("POLICY__SECOND_PERSON_ABOVE", "20000", "not role:currency:amount, such as care_team:USD:20000"),
        ("POLICY__SECOND_PERSON_ABOVE", "owner:USD:1", "'owner' is no role that decides about money; there are"),
        ("POLICY__SECOND_PERSON_ABOVE", "booking_site:USD:1", "'booking_site' is no role that decides about money"),
        ("POLICY__SECOND_PERSON_ABOVE", "admin:USD:1", "'admin' is no role that decides about money"),
        ("POLICY__SECOND_PERSON_ABOVE", "therapist:XYZ:1", "'XYZ' is no currency"),
        ("POLICY__SECOND_PERSON_ABOVE", "therapist:USD:200.00", "not a whole number of minor units"),
        ("POLICY__SECOND_PERSON_ABOVE", "therapist:USD:-1", "not a whole number of minor units"),
        ("POLICY__SECOND_PERSON_ABOVE", "therapist:USD:1,therapist:EUR:1, therapist:USD:2", "is there twice"),
    ],
)
def test_a_wrong_value_is_named_and_no_secret_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    (told,) = problems(monkeypatch, **{name: value})
    assert told.startswith(name)
    assert says in told
    assert "hunter2" not in told
    assert "aHVudGVyMg" not in told


def test_countries_are_the_practices_own_and_those_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().countries == ("US",)
    monkeypatch.setenv("PRACTICE_COUNTRY", "GB")
    monkeypatch.setenv("PRACTICE_COUNTRIES", "ie, gb,IE")
    assert read_settings().countries == ("GB", "IE")


@pytest.mark.parametrize("said", ["USA", "US,XX", "United States"])
def test_a_country_is_named_by_its_code(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("PRACTICE_COUNTRIES", said)
    with pytest.raises(SettingsProblem, match="PRACTICE_COUNTRIES cannot be used: it must name countries by their ISO"):
        read_settings()


def test_the_practices_time_zone_goes_with_the_policy_and_is_no_setting_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().policy.time_zone == "UTC"
    monkeypatch.setenv("PRACTICE_TIME_ZONE", "America/New_York")
    assert read_settings().policy.time_zone == "America/New_York"
    monkeypatch.setenv("PRACTICE_TIME_ZONE", "New York")
    with pytest.raises(SettingsProblem, match="PRACTICE_TIME_ZONE cannot be used: it is not the name of a time zone"):
        read_settings()
    monkeypatch.delenv("PRACTICE_TIME_ZONE")
    monkeypatch.setenv("POLICY__TIME_ZONE", "America/New_York")
    with pytest.raises(SettingsProblem, match="POLICY__TIME_ZONE is no setting of the policy"):
        read_settings()


def test_the_policy_is_read_as_durations(monkeypatch: pytest.MonkeyPatch) -> None:
    given(
        monkeypatch,
        POLICY__CHARGE_AFTER="PT5S",
        POLICY__CHARGE_RETRIES="PT1S, PT2M",
        POLICY__FORMS_REMINDERS="",
        POLICY__HISTORY_LIMIT="60",
        POLICY__SECOND_PERSON_ABOVE="care_team:USD:20000, therapist:EUR:0",
    )
    policy = read_settings().policy
    assert policy == JourneyPolicy(
        charge_after=timedelta(seconds=5),
        charge_retries=(timedelta(seconds=1), timedelta(minutes=2)),
        forms_reminders=(),
        history_limit=60,
        second_person_above=(
            Ceiling(role=Role.CARE_TEAM, currency="USD", amount=20000),
            Ceiling(role=Role.THERAPIST, currency="EUR", amount=0),
        ),
    )


@pytest.mark.parametrize("program", ["worker.py", "server.py"])
def test_a_program_with_bad_settings_says_so_and_leaves_with_2(program: str) -> None:
    environment = {"PATH": os.environ["PATH"], "ENVIRONMENT": "production"}
    ended = subprocess.run(
        [sys.executable, program], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    assert "DATABASE_URL must be set" in ended.stderr
    assert "PAYLOAD_KEYS must be set" in ended.stderr
    assert "Traceback" not in ended.stderr


HARBOUR = Letterhead(name="Harbour", address="1 Quay", country="CA", state="ON", tax_id="12-3")
OF_HARBOUR = {f"PRACTICE_{name.upper()}": value for name, value in asdict(HARBOUR).items()}


@pytest.mark.parametrize(("said", "demanded"), [(None, False), ("optional", False), ("required", True)])
async def test_what_is_demanded_of_staff_reaches_the_api(
    monkeypatch: pytest.MonkeyPatch, said: str | None, demanded: bool
) -> None:
    class Built(Exception):
        pass

    def create_app(*, settings: ApiSettings, **_: object) -> None:
        assert (settings.staff_second_factor, settings.letterhead) == (demanded, HARBOUR)
        raise Built

    monkeypatch.setattr(server, "create_app", create_app)
    factor = {"STAFF_SECOND_FACTOR": said} if said else {}
    given(monkeypatch, DATABASE_URL="postgresql://app@127.0.0.1:1/care", **OF_HARBOUR, **factor)
    with pytest.raises(Built):
        await server.run(read_settings())


def test_on_a_clock_that_is_moved_by_hand_nobody_is_signed_out_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = read_settings().policy
    given(monkeypatch, TIME_TRAVEL_ADDRESS="127.0.0.1:7233")
    moved = read_settings().policy
    assert min(moved.token_idle, moved.token_ttl) > timedelta(days=30_000)
    assert replace(moved, token_idle=usual.token_idle, token_ttl=usual.token_ttl) == usual
    given(monkeypatch, POLICY__TOKEN_IDLE="PT1H")  # unless somebody wants to see it end
    assert (read_settings().policy.token_idle, read_settings().policy.token_ttl) == (
        timedelta(hours=1),
        moved.token_ttl,
    )


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"WORKER_DEPLOYMENT": "practice"}, "WORKER_DEPLOYMENT and WORKER_BUILD_ID belong together"),
        ({"WORKER_BUILD_ID": "1.0.0"}, "WORKER_DEPLOYMENT and WORKER_BUILD_ID belong together"),
        ({"WORKER_DEPLOYMENT": "a practice", "WORKER_BUILD_ID": "1"}, "WORKER_DEPLOYMENT cannot be used: it may have"),
    ],
)
def test_a_build_has_a_name_that_the_engine_takes(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, str], says: str
) -> None:
    given(monkeypatch, **more)
    with pytest.raises(SettingsProblem, match=says):
        read_settings()
