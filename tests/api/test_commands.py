"""Orders are built from bodies, and views from rows: by the names of their fields, and by nothing else."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, ValidationError

from activities.types.care import GoalOrder
from activities.types.clients import ActivationOrder
from activities.types.money import LetGoOrder
from api.commands import order_of
from api.views.base import PracticeOnly, View
from rules.accounts.caller import Caller
from rules.enums import Role
from rules.journey.goals import WeeklyTime

DESK = Caller(role=Role.CARE_TEAM, name="desk")
SARA = Caller(role=Role.CLIENT, name="1", client_id="1")
CONTEXT: dict[str, Any] = {"request_id": UUID(int=1), "client_id": UUID(int=2), "by": DESK}


class Told(BaseModel):
    reason: str


class Renamed(BaseModel):
    why: str = Field(serialization_alias="reason")
    scope: str = Field(default="one", exclude=True)


class Remind(BaseModel):
    weekday: str
    at: str


class Goal(BaseModel):
    text: str
    remind: Remind | None = None


LET_GO = LetGoOrder(
    request_id=str(UUID(int=1)), client_id=str(UUID(int=2)), by=DESK, payment_id=str(UUID(int=3)), reason="kind"
)


def test_an_order_has_the_fields_of_the_body_and_of_the_request_with_ids_as_text() -> None:
    assert order_of(LetGoOrder, Told(reason="kind"), context=CONTEXT, payment_id=UUID(int=3)) == LET_GO


def test_a_body_declares_what_is_named_otherwise_and_what_is_no_part_of_the_order() -> None:
    assert order_of(LetGoOrder, Renamed(why="kind"), context=CONTEXT, payment_id=UUID(int=3)) == LET_GO


def test_a_part_of_a_body_becomes_the_part_of_the_order() -> None:
    order = order_of(GoalOrder, Goal(text="walk", remind=Remind(weekday="mon", at="09:00")), context=CONTEXT)
    assert order.remind == WeeklyTime(weekday="mon", at="09:00")
    assert order.by is DESK


def test_of_the_context_an_order_takes_what_it_has_a_field_for() -> None:
    order = order_of(ActivationOrder, context=CONTEXT, token_hash="t", password_hash="p")
    assert order.client_id == str(UUID(int=2))


def test_what_the_route_says_counts_before_the_body_and_the_context() -> None:
    order = order_of(LetGoOrder, Told(reason="kind"), context=CONTEXT, payment_id=UUID(int=3), reason="late", by=SARA)
    assert (order.reason, order.by) == ("late", SARA)


def test_a_field_that_the_order_does_not_have_is_a_fault_of_the_route() -> None:
    with pytest.raises(TypeError, match="LetGoOrder has no remind, text"):
        order_of(LetGoOrder, Goal(text="walk", remind=None), context=CONTEXT, remind=None, payment_id=UUID(int=3))


@pytest.mark.parametrize("said", [{}, {"payment_id": UUID(int=3), "reason": 7}])
def test_a_field_that_is_missing_or_of_another_type_is_one_too(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        order_of(LetGoOrder, context=CONTEXT, **said)


class Shown(View):
    id: int
    at: datetime | None = None
    therapist: str = ""
    note: PracticeOnly[str | None] = None


ROW = SimpleNamespace(id=7, at=datetime(2026, 1, 1, tzinfo=UTC), note="private", secret="x")


def test_a_view_shows_the_fields_it_has_of_the_first_row_that_has_them() -> None:
    shown = Shown.of(ROW, SimpleNamespace(id=8, therapist="ana"), at=None, caller=DESK)
    assert shown.model_dump() == {"id": 7, "at": None, "therapist": "ana", "note": "private"}


@pytest.mark.parametrize("caller", [None, SARA])
def test_what_is_for_the_practice_alone_is_not_there_at_all_for_others(caller: Caller | None) -> None:
    for shown in (Shown.of(ROW, caller=caller), Shown.of(ROW, caller=caller, note="said")):
        assert set(shown.model_dump(exclude_unset=True)) == {"id", "at"}


def test_a_row_without_a_field_that_must_be_shown_is_a_fault() -> None:
    with pytest.raises(ValidationError):
        Shown.of(SimpleNamespace(at=None))
