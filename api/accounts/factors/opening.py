"""What is sealed of second factors, opened where it is needed: a row that does not open is as if it were not there."""

import structlog

from models.sealed import NotOfThisRow, UnknownRowKey
from models.sealing import opened_aside
from models.tables.accounts.second_factor import SecondFactor

log = structlog.get_logger(__name__)


def secret_of(factor: SecondFactor) -> str | None:
    """None where it has ended, or cannot be opened: its key is gone, or somebody changed the row."""
    return _opened(factor, "secret")


def name_of(factor: SecondFactor) -> str | None:
    """As its owner called it; None likewise, or where they did not."""
    return _opened(factor, "name")


def _opened(factor: SecondFactor, column: str) -> str | None:
    try:
        value: str | None = opened_aside(factor, column)
    except (UnknownRowKey, NotOfThisRow) as error:
        log.error("a second factor cannot be opened", factor=str(factor.id), error=type(error).__name__)  # noqa: TRY400
        return None
    return value
