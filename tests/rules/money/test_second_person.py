"""Above which amount a second person is needed, and who may settle what waits."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.enums import ApprovalStatus, Role
from rules.money.second_person import ceiling_of, needs_second_person, refuse_settling, status_of
from rules.policy import Ceiling, JourneyPolicy
from rules.refusals import Problem

CEILINGS = (
    Ceiling(role=Role.CARE_TEAM, currency="USD", amount=20000),
    Ceiling(role=Role.CARE_TEAM, currency="EUR", amount=0),
    Ceiling(role=Role.THERAPIST, currency="USD", amount=5000),
)
NOW = datetime(2027, 1, 1, tzinfo=UTC)
amounts = st.integers(0, 1000)


@pytest.mark.parametrize(
    ("role", "currency", "ceiling"),
    [
        (Role.CARE_TEAM, "USD", 20000),
        (Role.CARE_TEAM, "EUR", 0),
        (Role.THERAPIST, "USD", 5000),
        (Role.THERAPIST, "EUR", None),
        (Role.ADMIN, "USD", None),
    ],
)
def test_a_ceiling_is_of_a_role_and_a_currency(role: Role, currency: str, ceiling: int | None) -> None:
    assert ceiling_of(CEILINGS, role=role, currency=currency) == ceiling


def test_by_default_there_is_none() -> None:
    assert JourneyPolicy().second_person_above == ()


@pytest.mark.parametrize(
    ("ceiling", "amount", "alone", "needed"),
    [
        (20000, 20000, 0, False),
        (20000, 20001, 0, True),
        (20000, 1, 20000, True),
        (20000, 1, 19999, False),
        (0, 1, 0, True),
        (None, 10**9, 10**9, False),
    ],
)
def test_up_to_the_ceiling_one_decides_alone(ceiling: int | None, amount: int, alone: int, needed: bool) -> None:
    assert needs_second_person(ceiling, amount=amount, alone=alone) is needed


@given(ceiling=amounts, parts=st.lists(st.integers(1, 400), max_size=12))
def test_however_it_is_split_nobody_gives_more_alone_than_the_ceiling(ceiling: int, parts: list[int]) -> None:
    alone = 0
    for part in parts:
        if not needs_second_person(ceiling, amount=part, alone=alone):
            alone += part
    assert alone <= ceiling


def test_what_nobody_settles_lapses_at_an_instant() -> None:
    lapses_at = NOW + timedelta(days=7)
    for settled, now, status in (
        (None, lapses_at - timedelta(microseconds=1), ApprovalStatus.OPEN),
        (None, lapses_at, ApprovalStatus.LAPSED),
        (ApprovalStatus.APPROVED, lapses_at, ApprovalStatus.APPROVED),
        (ApprovalStatus.REFUSED, NOW, ApprovalStatus.REFUSED),
    ):
        assert status_of(settled=settled, lapses_at=lapses_at, now=now) is status


@pytest.mark.parametrize("status", list(ApprovalStatus))
@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("approve", [True, False])
def test_who_asked_may_take_it_back_and_another_may_do_either_while_it_is_open(
    status: ApprovalStatus, same: bool, approve: bool
) -> None:
    refusal = refuse_settling(status, asked_by_same=same, approve=approve)
    assert (refusal is None) == (status is ApprovalStatus.OPEN and not (same and approve))
    assert refusal is None or (refusal.name, refusal.data) == (
        Problem.SECOND_PERSON_REQUIRED, {"approval_status": status.value}
    )  # fmt: skip
