"""Roles of people of the practice, and the short names by which timelines tell of them."""

import pytest

from rules.accounts.caller import staff_callers
from rules.accounts.staff import handle_of, in_order, wrong_with_roles
from rules.enums import Role


@pytest.mark.parametrize(
    ("roles", "therapist", "field"),
    [
        ([Role.ADMIN], None, None),
        ([Role.ADMIN, Role.CARE_TEAM, Role.THERAPIST], "ana", None),
        ([], None, "roles"),
        ([Role.CLIENT], None, "roles"),
        ([Role.BOOKING_SITE, Role.ADMIN], None, "roles"),
        ([Role.THERAPIST], None, "therapist"),
        ([Role.CARE_TEAM], "ana", "therapist"),
    ],
)
def test_roles_and_what_goes_with_them(roles: list[Role], therapist: str | None, field: str | None) -> None:
    assert [wrong for wrong, _ in wrong_with_roles(roles, therapist=therapist)] == ([field] if field else [])


@pytest.mark.parametrize(
    ("name", "taken", "handle"),
    [
        ("María López", (), "maria-lopez"),
        ("Maria Lopez", ("maria-lopez", "maria-lopez-2"), "maria-lopez-3"),
        ("  O'Brien, PhD ", (), "o-brien-phd"),
        ("李明", (), "person"),
        ("x" * 200, (), "x" * 60),
        ("desk", ("desk",), "desk-2"),
    ],
)
def test_a_handle_is_plain_and_nobody_elses(name: str, taken: tuple[str, ...], handle: str) -> None:
    assert handle_of(name, taken=taken) == handle


def test_in_each_role_the_timeline_names_the_person_by_it() -> None:
    everything = staff_callers("maria", [Role.THERAPIST, Role.ADMIN, Role.CARE_TEAM], "maria-lopez")
    assert [caller.actor for caller in everything] == ["care_team:maria", "admin:maria", "therapist:maria-lopez"]
    assert staff_callers("maria", [Role.THERAPIST], None) == ()
    assert in_order([Role.THERAPIST, Role.ADMIN, Role.ADMIN]) == [Role.ADMIN, Role.THERAPIST]
