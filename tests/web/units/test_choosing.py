"""Whom something is done to, as a form of the list says it."""

from typing import Any

import pytest
from starlette.datastructures import FormData

from web.sent import Sent
from web.staff.clients.choosing import address_of, chosen, place_of, ticks_of


def sent(*fields: tuple[str, str]) -> Sent:
    return Sent(FormData(list(fields)))


TICKS = (("tick", "a"), ("tick", "b"), ("tick", "a"))
FILTER = (("tab", "archived"), ("q", "Lind"), ("sort", "name"), ("cursor", "x"), ("expected", "312"))


@pytest.mark.parametrize(
    ("fields", "whom"),
    [
        ((), {}),
        (FILTER, {}),
        ((*TICKS, *FILTER), {"client_ids": ["a", "b"]}),
        ((*TICKS, *FILTER, ("all", "yes")), {"filter": {"status": "archived", "q": "Lind"}, "expected": 312}),
        ((("all", "yes"), ("tab", "everybody"), ("expected", "many")), {"filter": {"status": "active"}}),
        ((("group_id", "g"), ("expected", "7"), *TICKS), {"group_id": "g", "expected": 7}),
    ],
)
def test_whom_a_form_is_about(fields: tuple[tuple[str, str], ...], whom: dict[str, Any]) -> None:
    assert chosen(sent(*fields)) == whom


def test_a_place_in_the_list_stands_in_its_address_with_the_ticks() -> None:
    form = sent(*TICKS, *FILTER)
    place = place_of(form.get)
    assert place == {"tab": "archived", "q": "Lind", "sort": "name", "cursor": "x"}
    assert address_of(place, ticks_of(form), many="yes") == (
        "/clients?tab=archived&q=Lind&sort=name&cursor=x&many=yes&tick=a&tick=b"
    )
