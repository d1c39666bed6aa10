"""``POLICY__<NAME>``: the times and counts that the product keeps."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from config.problems import SettingsProblem
from rules.enums import Role
from rules.money.fees import CHARGEABLE
from rules.policy import Ceiling, JourneyPolicy

_FOR_GOOD = timedelta(days=36_500)


def read_policy(environment: Mapping[str, str]) -> JourneyPolicy:
    prefix = "POLICY__"
    readers = {field.name: _POLICY_READERS[field.type] for field in fields(JourneyPolicy) if field.name != "time_zone"}
    given: dict[str, Any] = {}
    problems = []
    for variable in sorted(name for name in environment if name.upper().startswith(prefix)):
        name = variable[len(prefix) :].lower()
        if name not in readers:
            problems.append(f"{variable} is no setting of the policy; there are {', '.join(sorted(readers))}.")
            continue
        try:
            given[name] = readers[name](environment[variable].strip())
        except ValueError as error:
            problems.append(f"{variable} cannot be used: {error}.")
    if problems:
        raise SettingsProblem(problems)
    try:
        policy = JourneyPolicy(**given)
    except ValueError as error:  # its first word is the field
        name, _, why = str(error).partition(" ")
        raise SettingsProblem([f"{prefix}{name.upper()} {why}."]) from None
    if policy.charge_after > policy.charge_deadline:
        raise SettingsProblem(["POLICY__CHARGE_AFTER must not be longer than POLICY__CHARGE_DEADLINE."])
    return policy


def with_sign_ins_that_stay(policy: JourneyPolicy, environment: Mapping[str, str]) -> JourneyPolicy:
    """For a stack whose clock is moved by hand: nobody has been away for so long, so no sign-in ends by it; but where
    the environment says otherwise."""
    given = {name.upper() for name, value in environment.items() if value}
    idle = policy.token_idle if "POLICY__TOKEN_IDLE" in given else _FOR_GOOD
    ttl = policy.token_ttl if "POLICY__TOKEN_TTL" in given else _FOR_GOOD
    return replace(policy, token_idle=idle, token_ttl=ttl)


def _whole_number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _duration(text: str) -> timedelta:
    try:
        # Only the ISO form: a bare number would not say of what, and a sign would mean the past.
        return TypeAdapter(timedelta).validate_python(text if text.startswith("P") else "")
    except ValidationError:
        raise ValueError(f"{text!r} is not an ISO 8601 duration such as PT48H, P1D or PT5S") from None


def _durations(text: str) -> tuple[timedelta, ...]:
    return tuple(_duration(part.strip()) for part in text.split(",") if part.strip())


def _ceilings(text: str) -> tuple[Ceiling, ...]:
    found = tuple(_ceiling(part.strip()) for part in text.split(",") if part.strip())
    for number, one in enumerate(found):
        if any((one.role, one.currency) == (other.role, other.currency) for other in found[:number]):
            raise ValueError(f"{one.role.value}:{one.currency} is there twice")
    return found


def _ceiling(text: str) -> Ceiling:
    parts = text.split(":")
    if len(parts) != 3:
        raise ValueError(f"{text!r} is not role:currency:amount, such as care_team:USD:20000")
    role, currency, amount = parts[0], parts[1].upper(), parts[2]
    if role not in _DECIDING:
        raise ValueError(f"{role!r} is no role that decides about money; there are {', '.join(_DECIDING)}")
    if currency not in CHARGEABLE:
        raise ValueError(f"{currency!r} is no currency that a fee can have, such as USD")
    if not (amount.isascii() and amount.isdecimal()):
        raise ValueError(f"{amount!r} is not a whole number of minor units")
    return Ceiling(role=Role(role), currency=currency, amount=int(amount))


_DECIDING = tuple(role.value for role in Role if role.is_practice)
_POLICY_READERS: Mapping[Any, Callable[[str], Any]] = {
    int: _whole_number,
    timedelta: _duration,
    tuple[timedelta, ...]: _durations,
    tuple[Ceiling, ...]: _ceilings,
}
