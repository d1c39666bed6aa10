"""The settings, read from the environment once, by the programs and the migrations alone.

Everything has a default that works on one machine. ``ENVIRONMENT=production`` takes no default for anything secret or
public, and refuses the development values, weak secrets and plain connections; every problem is named at once.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from pydantic import ValidationError

from config.calendars import half_registered
from config.oidc import half_set
from config.policy import read_policy, with_sign_ins_that_stay
from config.problems import SettingsProblem
from config.production import refused_in_production, refused_without_environment, ways_out
from config.settings import Settings, half_versioned
from engine.connect import EngineAddress

__all__ = ["Settings", "SettingsProblem", "examine", "leave", "read_settings", "settings_or_exit", "ways_out"]


def _sentence(detail: Mapping[str, Any]) -> str:
    name = str(detail["loc"][0]).upper() if detail["loc"] else "The settings"
    message = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "literal_error":
        message = f"it must be {detail['ctx']['expected']}"
    return f"{name} cannot be used: {message[:1].lower()}{message[1:]}."


def _read_engine(environment: Mapping[str, str]) -> EngineAddress:
    port = environment.get("TEMPORAL_PORT") or "7233"
    try:
        return EngineAddress.from_environment(environment, default_address=f"127.0.0.1:{port}")
    except (ValueError, RuntimeError, OSError) as error:
        raise SettingsProblem([f"The TEMPORAL_* settings cannot be used: {error}."]) from None


def examine(environment: Mapping[str, str]) -> tuple[Settings | None, list[str]]:
    """The settings as far as they can be read, from the process's environment, and a sentence for everything that is
    wrong, missing or refused. None where one of them has no meaning at all."""
    problems: list[str] = []
    given: dict[str, Any] = {}
    for name, reader in (("policy", read_policy), ("engine", _read_engine)):
        try:
            given[name] = reader(environment)
        except SettingsProblem as error:
            problems += error.problems
    try:
        settings = Settings(**given)
    except ValidationError as error:
        return None, problems + [_sentence(detail) for detail in error.errors()]
    problems += [*half_set(settings), *half_registered(settings), *half_versioned(settings)]
    if settings.production:
        problems += refused_in_production(settings, environment)
    elif "environment" not in settings.model_fields_set:
        problems += refused_without_environment(settings, environment)
    policy = replace(settings.policy, time_zone=settings.practice_time_zone)
    if settings.time_travel_address:
        policy = with_sign_ins_that_stay(policy, environment)
    return settings.model_copy(update={"policy": policy}), problems


def read_settings() -> Settings:
    """The settings, from the environment.

    Raises SettingsProblem naming every variable that is wrong, missing or refused.
    """
    settings, problems = examine(os.environ)
    if settings is None or problems:
        raise SettingsProblem(problems)
    return settings


def settings_or_exit() -> Settings:
    """For programs: prints each problem as a sentence and exits with 2 when the settings cannot be used."""
    try:
        return read_settings()
    except SettingsProblem as error:
        leave(error)


def leave(error: SettingsProblem) -> NoReturn:
    """Print the sentences and exit with 2."""
    for problem in error.problems:
        print(problem, file=sys.stderr)  # noqa: T201 - a person started the program
    sys.exit(2)
