"""What is noted of settings that change: what workflows go by, in order, and nothing of what was soon taken back; and
what becomes of those that some workers have and others have not."""

import itertools
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlmodel import select

from activities.keeping.settings import open_where_settings_differ
from models.database import Sessions
from models.reads.keeping.settings import policy_of, settings_in_force, settings_rows
from models.tables import SettingsSeen, Task
from models.writes.keeping.settings import Look, note_settings, note_telling
from rules.enums import TaskKind
from rules.journey.settings import FormerPolicy, PlanSettings
from rules.keeping import SETTINGS_SEEN_FOR
from rules.policy import JourneyPolicy
from tests.care.rows import NOW

USUAL = JourneyPolicy()
LATER = replace(USUAL, outcome_nudge=timedelta(hours=30))
OTHER = replace(USUAL, outcome_nudge=timedelta(hours=3), history_limit=70)
NAMED = {"A": USUAL, "B": LATER, "C": OTHER}
ROUND = timedelta(minutes=10)
LONG = SETTINGS_SEEN_FOR


async def noted(sessions: Sessions, policy: JourneyPolicy, *, after: timedelta) -> tuple[bool, PlanSettings]:
    """Whether everybody is to be told, and what is in force then, for a program that has other settings."""
    async with sessions() as session:
        tells = await note_settings(session, Look(keeping_id=uuid4(), by="1@a", policy=policy), at=NOW + after)
        await session.commit()
    async with sessions() as session:
        return tells, await settings_in_force(session, replace(USUAL, outcome_task=timedelta(hours=1)))


async def rounds(sessions: Sessions, found: Iterable[str], *, begins: datetime = NOW) -> str:
    """What each round in turn finds, begins a day after the first settings were noted; of which settings each tells."""
    told = ""
    for number, name in enumerate(found):
        at, id = begins + number * ROUND, uuid4()
        async with sessions() as session:
            look = Look(keeping_id=id, by=f"1@{name.lower()}", policy=NAMED[name])
            tells = [await note_settings(session, look, at=at) for _ in range(2)][-1]  # as a step that runs twice
            await open_where_settings_differ(session, keeping_id=id, at=at)
            [*_, newest] = await settings_rows(session)
            if tells:
                await note_telling(session, newest.number)
            await session.commit()
            [in_force] = [name for name, policy in NAMED.items() if policy == policy_of(newest)]
            told += in_force if tells else "-"
    return told


async def tasks(sessions: Sessions) -> list[Task]:
    async with sessions() as session:
        return list((await session.exec(select(Task))).all())


async def test_a_change_is_told_and_what_was_before_is_known(sessions: Sessions) -> None:
    assert await noted(sessions, USUAL, after=timedelta()) == (False, PlanSettings())
    assert await noted(sessions, replace(USUAL, hold_ttl=timedelta(1)), after=LONG) == (False, PlanSettings())
    former = (FormerPolicy(policy=USUAL, until=NOW + LONG),)
    assert await noted(sessions, LATER, after=LONG) == (True, PlanSettings(present=LATER, former=former))
    assert (await noted(sessions, USUAL, after=3 * LONG))[1].former == (
        *former,
        FormerPolicy(policy=LATER, until=NOW + 3 * LONG),
    )


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ("AAABBBB", "---BB--"),  # a change
        ("ABCCC", "-BCC-"),  # two, one after the other
        ("ABABBB", "-BB---"),  # an old worker did one round of a roll-out
        ("ABBBAAAA", "-BB--AA-"),  # taken back: told one round later
        ("ABAACC", "-BBAAC"),
    ],
)
async def test_of_what_each_round_tells(sessions: Sessions, found: str, told: str) -> None:
    assert await rounds(sessions, found) == told
    assert await tasks(sessions) == []


async def test_what_is_taken_back_within_a_day_leaves_no_trail(sessions: Sessions) -> None:
    await rounds(sessions, "ABAAA")
    assert (await noted(sessions, USUAL, after=timedelta(hours=1)))[1] == PlanSettings()


async def test_a_roll_out_ends_with_everybody_told_and_is_no_task(sessions: Sessions) -> None:
    """Whichever workers do the three rounds that fall into it. Each roll-out comes days after the one before."""
    for number, mixed in enumerate(itertools.product("AB", repeat=3)):
        begins = NOW + 6 * number * LONG
        await rounds(sessions, "A", begins=begins)
        await rounds(sessions, "A", begins=begins + LONG / 2)
        told = await rounds(sessions, ["A", *mixed, *"BBBBB"], begins=begins + 2 * LONG)
        assert told.replace("-", "")[-2:] == "BB", (mixed, told)
        assert told[-1] == "-", (mixed, told)  # in the third round after it at the latest, and in the next
        assert await tasks(sessions) == [], mixed
        await rounds(sessions, "A", begins=begins + 4 * LONG)


async def test_workers_that_differ_for_good_are_one_task_and_told_of_a_few_times(sessions: Sessions) -> None:
    chance = random.Random(7)  # noqa: S311 - which worker does a round
    found = ["A", "B", *chance.choices("AB", k=98)]
    told = await rounds(sessions, found)
    assert len(told.replace("-", "")) <= 8, told
    assert set(told[30:]) == {"-"}, told
    [task] = await tasks(sessions)
    assert task.kind is TaskKind.SETTINGS_DIFFER
    assert task.text.startswith("Workers run with different settings: outcome_nudge. Lately seen on 1@a and on 1@b.")
    # Mended: whichever stays is in force within two hours.
    ended = NOW + len(found) * ROUND
    await rounds(sessions, 12 * "C", begins=ended)
    assert (await noted(sessions, OTHER, after=ended - NOW + LONG / 2))[1].present.outcome_nudge == OTHER.outcome_nudge
    async with sessions() as session:
        assert len((await session.exec(select(SettingsSeen))).all()) <= 144


async def test_a_task_that_was_settled_comes_again_the_next_day_and_not_before(sessions: Sessions) -> None:
    await rounds(sessions, "ABABA")
    for days, number in ((0, 1), (1, 2)):
        async with sessions() as session:
            for each in (await session.exec(select(Task))).all():
                each.resolved_at = NOW
            await session.commit()
        await rounds(sessions, "BABAB", begins=NOW + timedelta(hours=1, days=days))
        assert len(await tasks(sessions)) == number
