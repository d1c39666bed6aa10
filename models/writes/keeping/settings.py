"""Writing down which settings rounds of the keeper find, which are in force, and that all that run were told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.keeping.settings import document_of, policy_of, settings_rows, settings_seen
from models.tables.keeping.settings import SettingsRow, SettingsSeen
from rules.journey.settings import followed
from rules.keeping import SETTINGS_SEEN_FOR, rounds_to_stand
from rules.policy import JourneyPolicy

TELLINGS = 2
"""In so many rounds everybody is told: a worker that was just being replaced may begin some by the former settings."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """A round of the keeper (its id), done ``by`` a worker with these settings."""

    keeping_id: UUID
    by: str
    policy: JourneyPolicy


async def note_settings(session: AsyncSession, look: Look, *, at: datetime) -> bool:
    """Note what a round finds; True while everybody is to be told of the settings in force.

    Others than those are in force at once, or once they have stood: ``rounds_to_stand``. What was in force for less
    than a day is then taken back as if it had never been. The first ever noted were in force all the time, and are
    news to nobody.
    """
    found = followed(look.policy)
    seen = await _saw(session, look, at=at)
    rows = await settings_rows(session)
    if not rows:
        session.add(SettingsRow(number=1, policy=document_of(found), since=at, tellings=TELLINGS))
        return False
    newest = rows[-1]
    if policy_of(newest) == found or seen[-1].rounds < rounds_to_stand([policy_of(each) for each in seen]):
        return newest.tellings < TELLINGS
    if len(rows) > 1 and policy_of(rows[-2]) == found and at - newest.since < SETTINGS_SEEN_FOR:
        await session.delete(newest)
        rows[-2].tellings = 0
    else:
        session.add(SettingsRow(number=newest.number + 1, policy=document_of(found), since=at))
    return True


async def _saw(session: AsyncSession, look: Look, *, at: datetime) -> Sequence[SettingsSeen]:
    """What rounds have found in the last day, with this one. A step that runs twice counts once."""
    seen = await settings_seen(session)
    newest = seen[-1] if seen else None
    if newest is None or policy_of(newest) != followed(look.policy):
        number = newest.number + 1 if newest else 1
        policy = document_of(look.policy)
        row = SettingsSeen(number=number, policy=policy, seen_at=at, seen_by=look.by, keeping_id=look.keeping_id)
        session.add(row)
    else:
        newest.rounds += newest.keeping_id != look.keeping_id
        newest.seen_at, newest.seen_by, newest.keeping_id = at, look.by, look.keeping_id
    await session.flush()
    _ = await session.exec(delete(SettingsSeen).where(col(SettingsSeen.seen_at) <= at - SETTINGS_SEEN_FOR))
    return await settings_seen(session)


async def note_telling(session: AsyncSession, number: int) -> None:
    """A round has told everybody of the settings of this number."""
    told = update(SettingsRow).where(col(SettingsRow.number) == number)
    _ = await session.exec(told.values(tellings=col(SettingsRow.tellings) + 1))
