"""A setting as it is in force: what it is, what it means, and where it comes from. Never a secret's value."""

from dataclasses import dataclass
from enum import StrEnum

Shown = str | int | bool | list[str] | None


class ComesFrom(StrEnum):
    DEFAULT = "default"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, kw_only=True)
class SettingInForce:
    """``name`` is that of the variable by which it is set. Of a secret ``value`` is None; whether one was given, the
    source says."""

    name: str
    value: Shown
    meaning: str
    source: ComesFrom
    secret: bool = False
