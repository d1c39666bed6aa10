"""Every setting can be read as it is in force, and no secret."""

from dataclasses import fields

import pytest

from config import read_settings
from config.in_force import settings_in_force
from config.meanings import MEANINGS, OF_THE_POLICY
from config.settings import Settings
from rules.policy import JourneyPolicy
from rules.settings import ComesFrom, SettingInForce
from tests.local.environment import PRODUCTION, given


def _in_force(monkeypatch: pytest.MonkeyPatch, **more: str) -> dict[str, SettingInForce]:
    given(monkeypatch, **PRODUCTION | more)
    return {one.name: one for one in settings_in_force(read_settings(), PRODUCTION | more)}


def test_every_setting_has_its_meaning() -> None:
    assert MEANINGS.keys() == Settings.model_fields.keys() - {"policy"}
    assert OF_THE_POLICY.keys() == {field.name for field in fields(JourneyPolicy)} - {"time_zone"}


def test_values_are_those_in_force_with_where_they_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _in_force(monkeypatch, POLICY__CHARGE_AFTER="PT5H", POLICY__SECOND_PERSON_ABOVE="care_team:usd:200")
    charge = found["POLICY__CHARGE_AFTER"]
    assert (charge.value, charge.source) == ("PT5H", ComesFrom.ENVIRONMENT)
    assert found["POLICY__APPOINTMENT_REMINDERS"].value == ["P1D", "PT1H"]
    assert found["POLICY__APPOINTMENT_REMINDERS"].source is ComesFrom.DEFAULT
    assert found["POLICY__SECOND_PERSON_ABOVE"].value == ["care_team:USD:200"]
    assert found["POLICY__HISTORY_LIMIT"].value == 4000
    assert (found["ENVIRONMENT"].value, found["API_PORT"].value) == ("production", 8000)
    assert found["CARE_TEAM_EMAIL"].source is ComesFrom.ENVIRONMENT


def test_no_secret_is_told_only_that_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _in_force(monkeypatch)
    secrets = {name for name, one in found.items() if one.secret}
    assert secrets >= {"DATABASE_URL", "STRIPE_API_KEY", "API_KEYS", "PAYLOAD_KEYS", "CHAIN_KEYS", "SENDGRID_API_KEY"}
    assert all(found[name].value is None for name in secrets)
    assert found["STRIPE_API_KEY"].source is ComesFrom.ENVIRONMENT
    told = repr(list(found.values()))
    for name in secrets & PRODUCTION.keys():
        for part in PRODUCTION[name].split(","):
            assert part.rpartition(":")[2] not in told, name
