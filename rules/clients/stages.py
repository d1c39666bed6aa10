"""Time in stages: how a client went from stage to stage, told from the facts of the timelines alone (a fold).

The stage is that of `rules.journey.stage`, tested in the same order; here it is what each fact left behind.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from rules.enums import AppointmentType, Outcome, Stage
from rules.journey.stage import JourneyFacts, OpenAppointment, stage_of
from rules.timeline import FactKind


@dataclass(frozen=True, kw_only=True)
class Happened:
    """A fact, as far as a stage may follow from it."""

    client_id: str
    at: datetime
    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Stay:
    """A client's time in one stage. ``until`` is None while it lasts."""

    stage: Stage
    since: datetime
    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class InStage:
    """Of a stretch of time: how many stays began and ended in it, how many clients were in the stage at its end, and
    the median length of the stays that ended."""

    stage: Stage
    entered: int
    left: int
    at_end: int
    median: timedelta | None


@dataclass
class _Client:
    began: datetime
    matched: bool = False
    booked_at: datetime | None = None
    active: bool = False
    archived: bool = False
    closed: bool = False
    missing: set[str] = field(default_factory=set)
    open: dict[str, AppointmentType] = field(default_factory=dict)
    types: dict[str, AppointmentType] = field(default_factory=dict)
    occurred: set[str] = field(default_factory=set)
    stays: list[Stay] = field(default_factory=list)

    def stage(self) -> Stage | None:
        if self.closed:
            return None
        sessions = (id for id in self.occurred if self.types.get(id) is AppointmentType.SESSION)
        facts = JourneyFacts(
            version=0,
            ref="",
            archived=self.archived,
            created_at=self.began,
            therapist="" if self.matched else None,
            first_booked_at=self.booked_at,
            session_occurred=any(sessions),
            account_active=self.active,
            outstanding_forms=tuple(self.missing),
            open_appointments=tuple(
                OpenAppointment(id=id, type=type, starts_at=self.began, ends_at=self.began)
                for id, type in self.open.items()
            ),
        )
        return stage_of(facts)

    def note(self, at: datetime) -> None:
        """What has happened may have led to another stage."""
        now, last = self.stage(), self.stays[-1] if self.stays else None
        if last is not None and last.until is None:
            if last.stage is now:
                return
            self.stays[-1] = Stay(stage=last.stage, since=last.since, until=at)
        if now is not None:
            self.stays.append(Stay(stage=now, since=at, until=None))


def stays_of(facts: Iterable[Happened]) -> list[Stay]:
    """The stays of all clients, from their facts in the order of time."""
    clients: dict[str, _Client] = {}
    for fact in facts:
        client = clients.setdefault(fact.client_id, _Client(began=fact.at))
        _take(client, fact, clients)
        client.note(fact.at)
    return [stay for client in clients.values() for stay in client.stays]


def _take(client: _Client, fact: Happened, clients: Mapping[str, _Client]) -> None:
    kind = FactKind(fact.kind)
    if kind in _OF_APPOINTMENTS:
        _take_appointments(client, kind, fact)
    elif kind in (FactKind.FORMS_REQUESTED, FactKind.FORM_GATES):
        client.missing.update(fact.data["forms"])
    elif kind is FactKind.FORM_COMPLETED:
        client.missing.discard(fact.data["form"])
    elif kind is FactKind.RECORD_JOINED:
        _join(client, clients.get(fact.data["from"], client))
    else:
        for name, value in _SETS.get(kind, {}).items():
            setattr(client, name, value)


_SETS: Mapping[FactKind, Mapping[str, bool]] = {
    FactKind.MATCHED: {"matched": True},
    FactKind.REMATCHED: {"matched": True},
    FactKind.ACCOUNT_ACTIVATED: {"active": True},
    FactKind.UNARCHIVED: {"archived": False},
    FactKind.JOURNEY_CLOSED: {"closed": True},
    FactKind.JOINED_INTO: {"closed": True},
}
_OF_APPOINTMENTS = (
    FactKind.BOOKED,
    FactKind.APPOINTMENT_CANCELLED,
    FactKind.OUTCOME_RECORDED,
    FactKind.OUTCOME_CORRECTED,
    FactKind.ARCHIVED,
)


def _take_appointments(client: _Client, kind: FactKind, fact: Happened) -> None:
    data = fact.data
    if kind is FactKind.BOOKED:
        client.booked_at = client.booked_at or fact.at
        booked = {one["id"]: AppointmentType(data["type"]) for one in data["appointments"]}
        client.open |= booked
        client.types |= booked
        return
    client.archived = client.archived or kind is FactKind.ARCHIVED
    over = [one["id"] for one in data.get("appointments", ())] if client.archived else []
    for id in [data["appointment_id"]] if "appointment_id" in data else over:
        client.open.pop(id, None)
        client.occurred.discard(id)
        if data.get("outcome") == Outcome.OCCURRED.value:
            client.occurred.add(id)


def _join(client: _Client, other: _Client) -> None:
    """What came along from another record of the same person."""
    client.booked_at = client.booked_at or other.booked_at
    client.matched = client.matched or other.matched
    client.active = client.active or other.active
    client.open |= other.open
    client.types |= other.types
    client.occurred |= other.occurred


FOLLOWED = (
    FactKind.JOURNEY_STARTED,
    FactKind.MATCHED,
    FactKind.REMATCHED,
    FactKind.BOOKED,
    FactKind.APPOINTMENT_CANCELLED,
    FactKind.OUTCOME_RECORDED,
    FactKind.OUTCOME_CORRECTED,
    FactKind.ACCOUNT_ACTIVATED,
    FactKind.FORMS_REQUESTED,
    FactKind.FORM_GATES,
    FactKind.FORM_COMPLETED,
    FactKind.ARCHIVED,
    FactKind.UNARCHIVED,
    FactKind.JOURNEY_CLOSED,
    FactKind.JOINED_INTO,
    FactKind.RECORD_JOINED,
)
"""The facts from which a stage follows."""


def in_stages(stays: Iterable[Stay], *, first: datetime, end: datetime) -> Iterator[InStage]:
    """Of each stage that somebody was in between two instants, in the order of the journey."""
    touched = [stay for stay in stays if stay.since < end and (stay.until is None or stay.until >= first)]
    for stage in Stage:
        own = [stay for stay in touched if stay.stage is stage]
        left = [stay.until - stay.since for stay in own if stay.until is not None and stay.until < end]
        if own:
            yield InStage(
                stage=stage,
                entered=sum(stay.since >= first for stay in own),
                left=len(left),
                at_end=len(own) - len(left),
                median=timedelta(seconds=median(length.total_seconds() for length in left)) if left else None,
            )
