"""A therapist's feed: which facts of a client's timeline are news to the therapist, and how each is said.

A sentence names the client and what happened; neither what a form or a message says, nor an amount.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rules.accounts.openings import OpeningKind
from rules.enums import TaskKind
from rules.money.disputes import is_inquiry
from rules.timeline import FactKind


class FeedKind(StrEnum):
    BOOKED = "booked"
    CANCELLED = "appointment_cancelled"
    MOVED = "appointment_rescheduled"
    FORM_COMPLETED = "form_completed"
    MESSAGE = "message"  # written by whoever writes messages: no fact tells of them
    PAYMENT_NEEDS_ATTENTION = "payment_needs_attention"
    CLIENT_BACK = "client_back"
    OPENING = "opening"
    OUTCOME_UNMARKED = "outcome_unmarked"
    BOOKED_TIME_BUSY = "booked_time_busy"
    CALENDAR_FAILED = "calendar_failed"  # of the therapist's own: no client's fact tells of it


@dataclass(frozen=True, kw_only=True)
class FeedItem:
    """One entry. ``data`` has ids and instants for programs; ``appointment_ids`` in it, where it is about any."""

    kind: FeedKind
    text: str
    data: dict[str, Any] = field(default_factory=dict)


# Somebody has just done about it what can be done: it is being tried again.
_BEING_TRIED = frozenset({"new_card", "tried_by_hand"})
_WHY = {
    "declined": "the bank declined, and it will be tried again",
    "new_card_needed": "another card is needed",
    "no_card": "there is no card",
}
_DONE = {FeedKind.CANCELLED: "cancelled", FeedKind.MOVED: "moved"}
_APPOINTMENTS = {"intro_call": ("An intro call", "intro calls"), "session": ("A session", "sessions")}


def news_of(fact: str, data: Mapping[str, Any], *, client: str) -> FeedItem | None:
    """What a fact of this kind, with this data, is to the client's therapist; None if it is no news.

    ``client`` is the client's name, or whatever they are called.
    """
    say = _NEWS.get(fact)
    return say(data, client) if say else None


def message_from(client: str) -> str:
    return f"{client} has written to you."


def may_be_put_together(news: FeedItem) -> bool:
    """Appointments of one series are cancelled and moved one by one, and told of together."""
    return news.kind in _DONE


def put_together(earlier: Mapping[str, Any], news: FeedItem, *, client: str) -> FeedItem:
    """One entry of two: of what was said before, by its data, and of what has come to it."""
    ids = [*earlier["appointment_ids"], *news.data["appointment_ids"]]
    text = f"{len(ids)} appointments with {client} were {_DONE[news.kind]}."
    return FeedItem(kind=news.kind, text=text, data={**earlier, "appointment_ids": ids})


def _booked(data: Mapping[str, Any], client: str) -> FeedItem:
    dates = data["appointments"]
    one, many = _APPOINTMENTS[data["type"]]
    what = f"{one} with {client} was" if len(dates) == 1 else f"{len(dates)} {many} with {client} were"
    ids = [date["id"] for date in dates]
    return FeedItem(
        kind=FeedKind.BOOKED,
        text=f"{what} booked.",
        data={"appointment_ids": ids, "type": data["type"], "starts_at": dates[0]["starts_at"]},
    )


def _cancelled(data: Mapping[str, Any], client: str) -> FeedItem:
    return FeedItem(
        kind=FeedKind.CANCELLED,
        text=f"An appointment with {client} was cancelled.",
        data={"appointment_ids": [data["appointment_id"]], "late": data.get("late", False)},
    )


def _moved(data: Mapping[str, Any], client: str) -> FeedItem:
    return FeedItem(
        kind=FeedKind.MOVED,
        text=f"An appointment with {client} was moved.",
        data={"appointment_ids": [data["appointment_id"]], "from": data["from"], "to": data["to"]},
    )


def _unmarked(data: Mapping[str, Any], client: str) -> FeedItem:
    return FeedItem(
        kind=FeedKind.OUTCOME_UNMARKED,
        text=f"The outcome of an appointment with {client} was taken back: it is to be marked again.",
        data={"appointment_ids": [data["appointment_id"]]},
    )


def _task(data: Mapping[str, Any], client: str) -> FeedItem | None:
    """Of what the care team is to look at, only what the therapist can tell."""
    if data.get("task") != TaskKind.BOOKED_TIME_BUSY:
        return None
    return FeedItem(
        kind=FeedKind.BOOKED_TIME_BUSY,
        text=f"An appointment with {client} is at a time that has become busy in a calendar of yours. It stands.",
        data={"appointment_ids": [data["appointment_id"]]},
    )


def calendar_failed() -> str:
    return "A calendar of yours cannot be read, and has not been for some time. What was read last still counts."


def _form(data: Mapping[str, Any], client: str) -> FeedItem:
    return FeedItem(kind=FeedKind.FORM_COMPLETED, text=f"{client} completed a form.", data={"form": data["form"]})


def _failed(data: Mapping[str, Any], client: str) -> FeedItem | None:
    because = data.get("because")
    return None if because in _BEING_TRIED else _payment(data, client, _WHY.get(because or "", "it failed"))


def _owed(data: Mapping[str, Any], client: str) -> FeedItem:
    return _payment(data, client, "it could not be made in time, and is owed")


def _asks(data: Mapping[str, Any], client: str) -> FeedItem:
    return _payment(data, client, "the client has to confirm it")


def _disputed(data: Mapping[str, Any], client: str) -> FeedItem:
    does = "asks about" if is_inquiry(str(data.get("status", ""))) else "disputes"
    return _payment(data, client, f"the client's bank {does} it")


def _payment(data: Mapping[str, Any], client: str, why: str) -> FeedItem:
    about = {"appointment_ids": [data["appointment_id"]]} if "appointment_id" in data else {}
    return FeedItem(
        kind=FeedKind.PAYMENT_NEEDS_ATTENTION,
        text=f"A payment of {client} needs attention: {why}.",
        data={"payment_id": data["payment_id"], **about},
    )


def _back(_: Mapping[str, Any], client: str) -> FeedItem:
    return FeedItem(kind=FeedKind.CLIENT_BACK, text=f"{client} is an active client again.")


def _opened(data: Mapping[str, Any], client: str) -> FeedItem:
    what = OpeningKind(data["what"])
    return FeedItem(
        kind=FeedKind.OPENING,
        text=f"Somebody opened {what.label} of {client} for an hour.",
        data={"opening_id": data["opening_id"], "what": what.value},
    )


_NEWS: Mapping[str, Callable[[Mapping[str, Any], str], FeedItem | None]] = {
    FactKind.BOOKED: _booked,
    FactKind.APPOINTMENT_CANCELLED: _cancelled,
    FactKind.APPOINTMENT_RESCHEDULED: _moved,
    FactKind.OUTCOME_UNMARKED: _unmarked,
    FactKind.FORM_COMPLETED: _form,
    FactKind.PAYMENT_FAILED: _failed,
    FactKind.PAYMENT_OWED: _owed,
    FactKind.PAYMENT_REQUIRES_ACTION: _asks,
    FactKind.DISPUTE_OPENED: _disputed,
    FactKind.UNARCHIVED: _back,
    FactKind.OPENING_BEGUN: _opened,
    FactKind.TASK_OPENED: _task,
}
