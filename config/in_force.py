"""Every setting as it is in force, for whoever may read them: without a secret."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import timedelta
from typing import Any

from pydantic import SecretStr, TypeAdapter

from config.meanings import MEANINGS, OF_THE_POLICY
from config.settings import Settings
from rules.policy import Ceiling, JourneyPolicy
from rules.settings import ComesFrom, SettingInForce, Shown

_SECRETS = ("api_keys", "payload_keys", "chain_keys")  # those that are no SecretStr by themselves
_DURATION = TypeAdapter(timedelta)


def settings_in_force(settings: Settings, environment: Mapping[str, str]) -> tuple[SettingInForce, ...]:
    """In the order in which they are told of in docs/production.md; the practice's times and limits last, durations as
    ISO 8601."""
    given = {name.upper() for name, value in environment.items() if value}
    return (*_of_the_programs(settings, given), *_of_the_policy(settings.policy, given))


def _of_the_programs(settings: Settings, given: set[str]) -> Iterator[SettingInForce]:
    for name, meaning in MEANINGS.items():
        value = getattr(settings, name)
        variable = "TEMPORAL_ADDRESS" if name == "engine" else name.upper()
        secret = name in _SECRETS or isinstance(value, SecretStr) or name.startswith("database")
        yield SettingInForce(
            name=variable,
            value=None if secret else _shown(settings.engine.address if name == "engine" else value),
            meaning=meaning,
            source=_source(variable, given),
            secret=secret,
        )


def _of_the_policy(policy: JourneyPolicy, given: set[str]) -> Iterator[SettingInForce]:
    for field in fields(JourneyPolicy):
        if field.name in OF_THE_POLICY:
            variable = f"POLICY__{field.name.upper()}"
            value, meaning = _shown(getattr(policy, field.name)), OF_THE_POLICY[field.name]
            yield SettingInForce(name=variable, value=value, meaning=meaning, source=_source(variable, given))


def _source(variable: str, given: set[str]) -> ComesFrom:
    return ComesFrom.ENVIRONMENT if variable in given else ComesFrom.DEFAULT


def _shown(value: Any) -> Shown:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, tuple):
        return [str(_shown(each)) for each in value]
    if isinstance(value, timedelta):
        return str(_DURATION.dump_python(value, mode="json"))
    if isinstance(value, Ceiling):
        return f"{value.role.value}:{value.currency}:{value.amount}"
    return str(getattr(value, "text", value))
