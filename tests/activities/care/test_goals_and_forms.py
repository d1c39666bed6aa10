"""Goals and the practice's own forms, step by step: done twice is done once, and the mails about them are looked at
again when they are sent."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from activities.care.goals import GoalActivities
from activities.forms.requested import RequestedFormActivities
from activities.types.archive import ArchiveOrder, UnarchiveOrder
from activities.types.care import GoalChange, GoalOrder
from activities.types.clients import DetailsOrder, Done
from activities.types.forms import FormAsking, FormCompletion
from models.writes.forms.texts import add_version
from rules.accounts.caller import Caller
from rules.enums import GoalStatus, Role
from rules.forms.fields import FieldType, FormField
from rules.journey.goals import WeeklyTime
from rules.mail.orders import MailOrder
from rules.refusals import Problem
from tests.activities.mail.sending import send
from tests.activities.test_twice import Story
from tests.care.practice import DESK, Practice

ANA = Caller(role=Role.THERAPIST, name="ana", therapist="ana")
MONDAYS = WeeklyTime(weekday="mon", at="09:00")
MOOD = FormField(name="mood", label="Mood", type=FieldType.TEXT, required=True)


@pytest.fixture
async def story(practice: Practice) -> Story:
    return Story(practice, await practice.client())


class Asked:
    """What the client ``sara`` is asked and set, with a request of its own for each call."""

    def __init__(self, story: Story) -> None:
        self.practice, self.client = story.practice, story.client
        self.goals = GoalActivities(story.practice.accounts.deps)
        self.forms = RequestedFormActivities(story.practice.accounts.deps)

    def order(self, what: type[Any], /, **more: Any) -> Any:
        return what(**{"request_id": str(uuid4()), "client_id": self.client, "by": ANA} | more)

    async def goal(self, remind: WeeklyTime | None = MONDAYS) -> tuple[str, datetime]:
        """A new goal's id, and since when its reminder stands."""
        known = {goal.id for goal in (await self.look()).goals}
        done = await self.goals.create_goal(self.order(GoalOrder, text="Sleep", remind=remind))
        assert done.facts is not None
        [goal] = [goal for goal in done.facts.goals if goal.id not in known]
        return goal.id, goal.since

    async def look(self) -> Any:
        """The journey's facts, as any step returns them."""
        done = await self.practice.accounts.change_details(self.order(DetailsOrder, by=DESK))
        return done.facts

    async def change(self, goal: str, **more: Any) -> Done:
        return await self.goals.change_goal(self.order(GoalChange, goal_id=goal, **more))

    async def make_form(self, *, version: int = 1) -> None:
        async with self.practice.sessions() as session:
            made = await add_version(
                session,
                id=uuid4(),
                kind="diary",
                title="Diary",
                fields=[MOOD.to_document()],
                by="therapist:ana",
                at=self.practice.clock.instant,
            )
            assert made.version == version
            await session.commit()

    async def asks(self) -> str:
        """Asks for the diary; the id of this asking."""
        done = await self.forms.request_form(self.order(FormAsking, kind="diary"))
        assert done.document is not None
        return str(done.document["form_id"])

    async def settings(self, **more: Any) -> None:
        await self.practice.accounts.change_details(self.order(DetailsOrder, by=DESK, **more))

    async def archived(self) -> None:
        order = ArchiveOrder(client_id=self.client, request_id=str(uuid4()), by="desk")
        await self.practice.archive.archive_client(order)

    async def unarchived(self) -> None:
        order = UnarchiveOrder(client_id=self.client, request_id=str(uuid4()), by="desk")
        await self.practice.archive.unarchive_client(order)

    async def mailed(self, template: str, **about: Any) -> str:
        """What becomes of a mail that was ordered for some reason."""
        order = MailOrder(key=str(uuid4()), template=template, client_id=self.client, **about)
        return await send(self.practice, order)


async def test_setting_and_changing_goals_is_done_once(story: Story) -> None:
    sara = Asked(story)
    setting = sara.order(GoalOrder, text="Sleep", remind=MONDAYS)
    done, _ = await story.twice(lambda: sara.goals.create_goal(setting))
    [goal] = done.facts.goals
    renaming = sara.order(GoalChange, goal_id=goal.id, text="Rest")
    assert (await sara.goals.change_goal(renaming)).changed
    assert (await sara.change(goal.id, text="Rest more")).changed
    stands = await story.rows()
    assert (await sara.goals.change_goal(renaming)).changed  # the same answer, late: what came since stands
    assert await story.rows() == stands
    for change, facts in (
        ({"text": "Sleep well", "remind": WeeklyTime(weekday="tue", at="08:30")}, ["goal_changed"]),
        ({"status": GoalStatus.COMPLETED, "by": Caller(role=Role.CLIENT, name="x")}, ["goal_completed"]),
        ({"status": GoalStatus.OPEN, "no_reminder": True}, ["goal_changed", "goal_reopened"]),
    ):
        before = await story.practice.facts(story.client)
        order = sara.order(GoalChange, goal_id=goal.id, **change)
        await story.twice(lambda order=order: sara.goals.change_goal(order))  # type: ignore[misc]
        assert (await story.practice.facts(story.client))[len(before) :] == facts
        unchanged = await sara.goals.change_goal(replace(order, request_id=str(uuid4())))
        assert not unchanged.changed
        assert (await story.practice.facts(story.client))[len(before) :] == facts
    assert (await sara.look()).goals == ()
    refused = (
        await sara.goals.create_goal(sara.order(GoalOrder, text=" ")),
        await sara.goals.create_goal(sara.order(GoalOrder, text="x", remind=WeeklyTime(weekday="someday", at="09:00"))),
        await sara.change(goal.id, remind=WeeklyTime(weekday="mon", at="25:00")),
        await sara.change(str(uuid4()), text="x"),
        await sara.change(goal.id, text="x", by=Caller(role=Role.BOOKING_SITE, name="site")),
    )
    invalid = Problem.VALIDATION_FAILED
    assert [done.refusal.name for done in refused if done.refusal] == [
        invalid, invalid, invalid, Problem.NOT_FOUND, Problem.NOT_ALLOWED
    ]  # fmt: skip
    other = Asked(Story(story.practice, await story.practice.client(name="Otto")))
    assert (await other.change(goal.id, text="x")).refusal  # it is Sara's


async def test_asking_for_a_form_and_completing_it_is_done_once(story: Story) -> None:
    sara = Asked(story)
    await sara.make_form()
    asking = sara.order(FormAsking, kind="diary")
    done, again = await story.twice(lambda: sara.forms.request_form(asking))
    assert done.document == again.document
    [form] = done.facts.asked_forms
    assert done.document == {"form_id": form.id}
    completing = sara.order(FormCompletion, form_id=form.id, answers={"mood": "fine"}, signature="Sara Lind")
    wrong = await sara.forms.complete_form(replace(completing, answers={"mood": 5}))
    assert wrong.refusal is not None
    assert wrong.refusal.data["errors"] == [{"field": "answers.mood", "message": "must be a text"}]
    done, _ = await story.twice(lambda: sara.forms.complete_form(completing))
    assert done.facts.asked_forms == ()
    # Asked for once more, in the same version.
    second = await sara.asks()
    assert [asked.id for asked in (await sara.look()).asked_forms] == [second] != [form.id]
    assert (await sara.forms.request_form(sara.order(FormAsking, kind="unknown"))).refusal
    other = Asked(Story(story.practice, await story.practice.client(name="Otto")))
    theirs = other.order(FormCompletion, form_id=second, answers={"mood": "x"}, signature="x")
    refused = await other.forms.complete_form(theirs)
    assert refused.refusal is not None
    assert refused.refusal.name is Problem.NOT_FOUND


async def test_a_reminder_of_goals_is_dropped_when_none_of_them_is_to_be_reminded_of_any_more(story: Story) -> None:
    sara = Asked(story)
    (first, since), (second, since_second) = await sara.goal(), await sara.goal()
    both = {first: since, second: since_second}
    assert await sara.mailed("goal_reminder", goals=both) == "sent"
    for off, on in (
        (sara.archived, sara.unarchived),
        (lambda: sara.settings(unsubscribed=True), lambda: sara.settings(unsubscribed=False)),
        (
            lambda: sara.settings(portal_settings={"goals": False}),
            lambda: sara.settings(portal_settings={"goals": True}),
        ),
    ):
        await off()
        assert await sara.mailed("goal_reminder", goals=both) == "not_wanted"
        await on()
    await sara.change(first, status=GoalStatus.COMPLETED)
    assert await sara.mailed("goal_reminder", goals={first: since}) == "not_wanted"
    assert await sara.mailed("goal_reminder", goals=both) == "sent"
    story.practice.clock.instant += timedelta(minutes=1)
    await sara.change(second, remind=WeeklyTime(weekday="tue", at="09:00"))
    assert await sara.mailed("goal_reminder", goals=both) == "not_wanted"
    [goal] = (await sara.look()).goals
    await sara.change(second, no_reminder=True)
    assert await sara.mailed("goal_reminder", goals={second: goal.since}) == "not_wanted"
    assert all("Sleep" not in mail.text + mail.subject for mail in story.practice.post.sent)


async def test_a_mail_about_a_form_is_dropped_once_it_is_complete_or_suspended(story: Story) -> None:
    sara = Asked(story)
    await sara.make_form()
    form = await sara.asks()
    for template in ("forms_requested", "forms_reminder"):
        assert await sara.mailed(template, form_id=form) == "sent"
        mail = story.practice.post.sent[-1]
        link = mail.headers["List-Unsubscribe"].strip("<>")
        assert link in mail.text
        assert link in mail.html
        await sara.settings(unsubscribed=True)
        assert await sara.mailed(template, form_id=form) == "not_wanted"
        # The intake forms are asked for all the same, and only reminded of as long as the client likes.
        assert await sara.mailed(template) == ("sent" if template == "forms_requested" else "not_wanted")
        if template == "forms_requested":
            intake = story.practice.post.sent[-1]
            assert "List-Unsubscribe" not in intake.headers
            assert "unsubscribe" not in intake.text + intake.html
        await sara.settings(unsubscribed=False)
        assert "A form from your practice" in mail.text
        assert "Diary" not in mail.text + mail.html
        await sara.settings(portal_settings={"forms": False})
        assert await sara.mailed(template, form_id=form) == "not_wanted"
        await sara.settings(portal_settings={"forms": True})
        await sara.archived()
        assert await sara.mailed(template, form_id=form) == "not_wanted"
        await sara.unarchived()
    await sara.forms.complete_form(
        sara.order(FormCompletion, form_id=form, answers={"mood": "fine"}, signature="Sara Lind")
    )
    assert await sara.mailed("forms_reminder", form_id=form) == "not_wanted"
