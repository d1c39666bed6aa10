"""Whom something is done to: those who are ticked, all that the list's filter finds, or a whole group."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from web.sent import Sent

TABS = ("active", "archived")
MOST_TICKED = 100  # they stand in the address
_FILTERS = ("q", "stage", "group", "therapist")
KEPT = (*_FILTERS, "sort", "cursor")


def place_of(get: Callable[[str], str | None]) -> dict[str, str]:
    """Where in the list somebody is, from its address or from a form of its page: tab, filter, order and page."""
    tab = get("tab")
    return {"tab": tab if tab in TABS else "active"} | {name: value for name in KEPT if (value := get(name))}


def address_of(place: dict[str, str], ticks: list[str], **more: str) -> str:
    """Of the list at this place, with whoever is ticked."""
    return "/clients?" + urlencode([*place.items(), *more.items(), *(("tick", one) for one in ticks)])


def filter_of(place: dict[str, str]) -> dict[str, str]:
    """As the API takes it beside a call for many."""
    return {"status": place["tab"]} | {name: place[name] for name in _FILTERS if name in place}


def ticks_of(sent: Sent) -> list[str]:
    return list(dict.fromkeys(sent.all("tick")))


def chosen(sent: Sent) -> dict[str, Any]:
    """Whom a form of the list, or the confirmation after it, is about, as the API takes it; nothing if nobody."""
    if sent.get("group_id"):
        whom: dict[str, Any] = {"group_id": sent.get("group_id")}
    elif sent.get("all"):
        whom = {"filter": filter_of(place_of(sent.get))}
    else:
        ticks = ticks_of(sent)
        return {"client_ids": ticks} if ticks else {}
    expected = sent.get("expected")
    return whom | ({"expected": int(expected)} if expected.isascii() and expected.isdecimal() else {})
