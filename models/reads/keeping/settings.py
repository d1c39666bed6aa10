"""The settings in force, and those before them, for whoever plans."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.keeping.settings import SettingsRow, SettingsSeen
from rules.journey.settings import FormerPolicy, PlanSettings, followed
from rules.policy import JourneyPolicy

_POLICY = TypeAdapter(JourneyPolicy)


def document_of(policy: JourneyPolicy) -> dict[str, Any]:
    """As it stands in a row: only what workflows go by; durations as ISO 8601."""
    written: dict[str, Any] = _POLICY.dump_python(followed(policy), mode="json")
    return written


def policy_of(row: SettingsRow | SettingsSeen) -> JourneyPolicy:
    """As the row has it; what a later release has added counts as it is by default."""
    return followed(_POLICY.validate_python(row.policy))


async def settings_rows(session: AsyncSession) -> Sequence[SettingsRow]:
    """All that ever were in force, oldest first."""
    return (await session.exec(select(SettingsRow).order_by(col(SettingsRow.number)))).all()


async def settings_seen(session: AsyncSession) -> Sequence[SettingsSeen]:
    """What rounds have found in the last day, oldest first."""
    return (await session.exec(select(SettingsSeen).order_by(col(SettingsSeen.number)))).all()


async def settings_in_force(session: AsyncSession, policy: JourneyPolicy) -> PlanSettings:
    """By the rows, whichever program asks: while a release is rolled out, some have other settings already. ``policy``
    is that program's, for a database in which the keeper has not been round yet."""
    rows = await settings_rows(session)
    former = [FormerPolicy(policy=policy_of(row), until=after.since) for row, after in pairwise(rows)]
    return PlanSettings(present=policy_of(rows[-1]) if rows else followed(policy), former=tuple(former))
