"""Who needs an opening for what, and who may have one."""

from uuid import uuid4

import pytest

from rules.accounts.caller import Caller, therapist_caller
from rules.accounts.openings import OpeningKind, can_open, needs_opening, refuse_opening, refuse_to_show
from rules.enums import Role
from rules.refusals import Problem

CARE_TEAM, ADMIN = Caller(role=Role.CARE_TEAM, name="maria"), Caller(role=Role.ADMIN, name="olga")
ANA = therapist_caller("ana")
SARA = Caller(role=Role.CLIENT, name="sara", client_id=str(uuid4()))
SITE = Caller(role=Role.BOOKING_SITE, name="site")
ALL, PRIVATE = set(OpeningKind), {OpeningKind.PRIVATE_NOTES}


@pytest.mark.parametrize(
    ("caller", "needed", "there_is"),
    [
        (CARE_TEAM, ALL, ALL),
        (ADMIN, ALL, PRIVATE),
        (ANA, PRIVATE, PRIVATE),
        (SARA, set(), set()),
        (SITE, set(), set()),
    ],
    ids=lambda one: one.role.value if isinstance(one, Caller) else "",
)
def test_what_a_role_does_not_show_and_can_open(
    caller: Caller, needed: set[OpeningKind], there_is: set[OpeningKind]
) -> None:
    assert {what for what in OpeningKind if needs_opening(caller, what)} == needed
    assert {what for what in OpeningKind if can_open(caller, what)} == there_is


@pytest.mark.parametrize("what", OpeningKind)
def test_what_cannot_be_opened_is_not_said_to_be(what: OpeningKind) -> None:
    client = uuid4()
    said = refuse_to_show(CARE_TEAM, what, client)
    assert (said.name, said.data["what"], said.data["client_id"]) == (Problem.OPENING_REQUIRED, what.value, client)
    to_admin = Problem.OPENING_REQUIRED if what in PRIVATE else Problem.NOT_ALLOWED
    assert refuse_to_show(ADMIN, what, client).name is to_admin


@pytest.mark.parametrize(
    ("caller", "by_person", "persons", "left", "may"),
    [
        (CARE_TEAM, True, True, False, True),
        (CARE_TEAM, False, True, False, False),  # a key, where there are persons
        (CARE_TEAM, False, False, False, True),  # and where there are none
        (ANA, True, True, False, True),
        (ANA, False, True, False, False),  # a therapist's program
        (ADMIN, True, True, True, True),
        (ADMIN, True, True, False, False),
        (ADMIN, False, False, False, False),
    ],
)
def test_who_opens_private_notes(caller: Caller, by_person: bool, persons: bool, left: bool, may: bool) -> None:
    refusal = refuse_opening(caller, OpeningKind.PRIVATE_NOTES, by_person=by_person, persons=persons, left=left)
    assert (refusal is None) is may
    assert refusal is None or refusal.name is Problem.NOT_ALLOWED
