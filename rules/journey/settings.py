"""Settings that change while journeys run: which policy a plan follows, and what a change must not bring about.

It runs inside workflows: docs/changing-a-workflow.md says how it is changed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

from rules.journey.reminders import Due
from rules.policy import JourneyPolicy

FOLLOWED = frozenset(
    {
        "activation_reminders",
        "forms_reminders",
        "forms_reminder_before",
        "book_first_reminders",
        "anonymous_ttl",
        "first_session_reminder",
        "first_session_task",
        "appointment_reminders",
        "outcome_nudge",
        "outcome_task",
        "card_expiry_notice",
        "history_limit",
        "time_zone",
    }
)
"""What the workflows themselves go by. All else is read by steps and by the API, at each use."""


@dataclass(frozen=True, kw_only=True)
class FormerPolicy:
    policy: JourneyPolicy
    until: datetime


@dataclass(frozen=True, kw_only=True)
class PlanSettings:
    """The present policy, and those that were in force before it, oldest first: as far as workflows go by them."""

    present: JourneyPolicy = field(default_factory=JourneyPolicy)
    former: tuple[FormerPolicy, ...] = ()


def followed(policy: JourneyPolicy) -> JourneyPolicy:
    """The same, with the defaults for what no workflow goes by: equal, if nothing changes for those that run."""
    usual = JourneyPolicy()
    return replace(policy, **{f.name: getattr(usual, f.name) for f in fields(policy) if f.name not in FOLLOWED})


def plan_in_force(settings: PlanSettings, plan_under: Callable[[JourneyPolicy], list[Due]]) -> list[Due]:
    """What ``plan_under`` the present policy gives, without what would have been due before that policy was in force.

    A changed setting must not mail everybody whose instant it has moved into the past. But whoever still had something
    ahead for which there is only a past instant now is not forgotten: the latest of those is done, late.
    """
    plan = newer = plan_under(settings.present)
    for change in reversed(settings.former):
        older = plan_under(change.policy)
        missed = _missed(newer, older, at=change.until)
        plan = [due for due in plan if _which(due) not in missed]
        newer = older
    return plan


def _missed(newer: Iterable[Due], older: Iterable[Due], *, at: datetime) -> set[tuple[str, datetime]]:
    after, before = {_which(due) for due in newer}, {_which(due) for due in older}
    moved = [due for due in newer if due.at <= at and not due.must_happen and _which(due) not in before]
    instead = {_why(due) for due in older if due.at > at and _which(due) not in after}
    late = {_why(due): due for due in sorted(moved) if _why(due) in instead}
    return {_which(due) for due in moved if late.get(_why(due)) != due}


def _which(due: Due) -> tuple[str, datetime]:
    return due.key, due.at


def _why(due: Due) -> tuple[str, str, datetime]:
    return due.kind, due.about, due.since
