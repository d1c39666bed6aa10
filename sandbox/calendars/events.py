"""The events of each account, as they are put in by hand, and which of them lie in a window."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from sandbox.calendars.vendors import Vendor
from sandbox.store import Document, Store

Shown = Literal["busy", "free", "tentative", "oof", "elsewhere"]


class BusyGiven(BaseModel, extra="forbid"):
    """An event. ``starts`` and ``ends`` are instants; or, of an event that takes whole days, ``first_day`` and
    ``last_day``, both included, in the calendar's ``time_zone``. ``weeks``: it comes so often, at the same local
    time."""

    account: str | None = None
    title: str = Field(default="", max_length=200)
    starts: AwareDatetime | None = None
    ends: AwareDatetime | None = None
    first_day: date | None = None
    last_day: date | None = None
    time_zone: str = "UTC"
    weeks: int = Field(default=1, ge=1, le=520)
    shown: Shown = "busy"
    cancelled: bool = False
    declined: bool = False

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.time_zone not in available_timezones():
            raise ValueError(f"time_zone: no zone is called {self.time_zone}")
        timed, days = (self.starts, self.ends), (self.first_day, self.last_day)
        if (None in timed) == (None in days) or (any(timed) and any(days)):
            raise ValueError("starts: give starts and ends, or first_day and last_day")
        return self


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """One time at which an event takes place. ``days``: the whole days it takes, where it does."""

    event: Document
    starts: datetime
    ends: datetime
    days: tuple[date, date] | None = None

    @property
    def id(self) -> str:
        return f"{self.event['id']}_{self.starts:%Y%m%dT%H%M%SZ}"


class Events:
    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, vendor: Vendor, given: BusyGiven) -> Document:
        row = {"id": secrets.token_hex(8), **given.model_dump(mode="json"), "gone": False}
        row["account"] = given.account or vendor.account
        self._store.put(vendor.of("event"), row)
        self._store.commit()
        return row

    def remove(self, vendor: Vendor, id_: str) -> bool:
        row = self._store.get(vendor.of("event"), id_)
        if row is None or row["gone"]:
            return False
        self._store.put(vendor.of("event"), {**row, "gone": True})
        self._store.commit()
        return True

    def of(self, vendor: Vendor, account: str | None = None) -> list[Document]:
        rows = self._store.all(vendor.of("event"))
        return [row for row in rows if not row["gone"] and account in (None, row["account"])]

    def between(self, vendor: Vendor, account: str, start: datetime, end: datetime) -> list[Occurrence]:
        """Every occurrence that touches the window, in order."""
        found = [one for row in self.of(vendor, account) for one in _occurrences(row)]
        return sorted((one for one in found if one.starts < end and start < one.ends), key=lambda one: one.starts)


def _occurrences(row: Document) -> Iterator[Occurrence]:
    zone = ZoneInfo(row["time_zone"])
    for week in range(row["weeks"]):
        later = timedelta(weeks=week)
        if row["first_day"] is not None:
            days = date.fromisoformat(row["first_day"]) + later, date.fromisoformat(row["last_day"]) + later
            starts, ends = (datetime.combine(day, time(), zone) for day in (days[0], days[1] + timedelta(days=1)))
            yield Occurrence(event=row, starts=starts.astimezone(UTC), ends=ends.astimezone(UTC), days=days)
        else:
            starts, ends = (datetime.fromisoformat(row[name]).astimezone(zone) for name in ("starts", "ends"))
            first = (starts + later).astimezone(UTC)
            yield Occurrence(event=row, starts=first, ends=first + (ends - starts))
