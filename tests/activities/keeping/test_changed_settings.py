"""What is noted of settings that change: what workflows go by, in order, and nothing of what was soon taken back."""

from dataclasses import replace
from datetime import timedelta

from models.database import Sessions
from models.reads.keeping.settings import settings_in_force
from models.writes.keeping.settings import SHORT, note_settings
from rules.journey.settings import FormerPolicy, PlanSettings
from rules.policy import JourneyPolicy
from tests.care.rows import NOW

USUAL = JourneyPolicy()
LATER = replace(USUAL, outcome_nudge=timedelta(hours=30))


async def noted(sessions: Sessions, policy: JourneyPolicy, *, after: timedelta) -> tuple[bool, PlanSettings]:
    """Whether everybody is to be told, and what is in force then, for a program that has other settings."""
    async with sessions() as session:
        tells = await note_settings(session, policy, at=NOW + after)
        await session.commit()
    async with sessions() as session:
        return tells, await settings_in_force(session, replace(USUAL, outcome_task=timedelta(hours=1)))


async def test_a_change_is_told_and_what_was_before_is_known(sessions: Sessions) -> None:
    assert await noted(sessions, USUAL, after=timedelta()) == (False, PlanSettings())
    assert await noted(sessions, replace(USUAL, hold_ttl=timedelta(1)), after=SHORT) == (False, PlanSettings())
    former = (FormerPolicy(policy=USUAL, until=NOW + SHORT),)
    assert await noted(sessions, LATER, after=SHORT) == (True, PlanSettings(present=LATER, former=former))
    assert (await noted(sessions, USUAL, after=3 * SHORT))[1].former == (
        *former,
        FormerPolicy(policy=LATER, until=NOW + 3 * SHORT),
    )


async def test_what_is_taken_back_within_a_day_leaves_no_trail_and_is_told(sessions: Sessions) -> None:
    """As two workers do that have different settings, whichever of them is asked."""
    await noted(sessions, USUAL, after=timedelta())
    for hours in range(1, 8, 2):
        assert (await noted(sessions, LATER, after=timedelta(hours=hours)))[1].present == LATER
        assert await noted(sessions, USUAL, after=timedelta(hours=hours + 1)) == (True, PlanSettings())
