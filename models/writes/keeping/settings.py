"""Writing down that settings have changed, and that all that run were told."""

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.keeping.settings import document_of, policy_of, settings_rows
from models.tables.keeping.settings import SettingsRow
from rules.journey.settings import followed
from rules.policy import JourneyPolicy

TELLINGS = 2
"""In so many rounds everybody is told: a worker that was just being replaced may begin some by the former settings."""

SHORT = timedelta(days=1)
"""What was in force for less is taken back without a trail."""


async def note_settings(session: AsyncSession, policy: JourneyPolicy, *, at: datetime) -> bool:
    """Note the policy of the program that asks, if it is another than the newest. True while everybody is to be told.

    What was in force for less than a day is taken back as if it had never been: two workers that have different
    settings for a while leave no trail. The first ever noted were in force all the time, and are news to nobody.
    """
    rows = await settings_rows(session)
    newest = rows[-1] if rows else None
    if len(rows) > 1 and policy_of(rows[-2]) == followed(policy) and at - rows[-1].since < SHORT:
        await session.delete(rows[-1])
        rows[-2].tellings = 0
        return True
    if newest is not None and policy_of(newest) == followed(policy):
        return newest.tellings < TELLINGS
    number = newest.number + 1 if newest else 1
    tellings = 0 if newest else TELLINGS
    session.add(SettingsRow(number=number, policy=document_of(policy), since=at, tellings=tellings))
    return newest is not None


async def note_telling(session: AsyncSession, number: int) -> None:
    """A round has told everybody of the settings of this number."""
    told = update(SettingsRow).where(col(SettingsRow.number) == number)
    _ = await session.exec(told.values(tellings=col(SettingsRow.tellings) + 1))
