"""The port through which a calendar kept elsewhere is read, whatever kind it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from rules.booking.outside import BusySpan, Window
from rules.enums import CalendarKind, CalendarTrouble


@dataclass(frozen=True, kw_only=True)
class CalendarAccount:
    """``access`` is what the calendar is read with, as the row has it, never shown when printed. ``time_zone``: the
    therapist's, for what a calendar tells without one. ``owner``: the therapist's address, by which an invitation that
    they declined is known."""

    id: str
    kind: CalendarKind
    access: Mapping[str, Any] = field(repr=False)
    time_zone: str
    owner: str | None = None


@dataclass(frozen=True, kw_only=True)
class NotChanged:
    """Nothing has changed since what was ``known``. ``access``: what it is to be read with from now on, if that has
    changed, as a token does."""

    access: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class BusySpans:
    """All busy times that touch the window, in no order: whatever was there before and is not among them has gone.
    ``known``: what is to be handed in with the next reading, such as an ETag."""

    spans: tuple[BusySpan, ...]
    known: Mapping[str, Any] | None = None
    access: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Channel:
    """By which a vendor tells that a calendar has changed. ``token``: what each push comes with; ``resource``: the
    vendor's word for what is watched, by which it is stopped."""

    id: UUID
    token: str = field(repr=False)
    resource: str
    until: datetime


class SourceFailed(Exception):
    """A calendar could not be read: what is known of it stays. The message is for logs, and holds no address."""

    def __init__(self, message: str, *, trouble: CalendarTrouble) -> None:
        super().__init__(message)
        self.trouble = trouble


class SourceRefused(SourceFailed):
    """It will not pass by itself: a wrong password, an address that leads nowhere, what is no calendar, too much."""


class SourceUnavailable(SourceFailed):
    """It may pass: nobody answers, or not in time."""

    def __init__(self, message: str, *, trouble: CalendarTrouble = CalendarTrouble.AWAY) -> None:
        super().__init__(message, trouble=trouble)


class CalendarSource(Protocol):
    async def read(
        self, account: CalendarAccount, window: Window, known: Mapping[str, Any] | None
    ) -> NotChanged | BusySpans:
        """The busy times within the window. ``known`` is None where everything must be read again. Raises SourceRefused
        and SourceUnavailable; takes half a minute at most."""
        ...


class CalendarChannels(Protocol):
    """Both methods raise SourceRefused and SourceUnavailable."""

    async def open(self, account: CalendarAccount, *, id: UUID, token: str) -> Channel: ...

    async def stop(self, account: CalendarAccount, *, id: UUID, resource: str) -> None:
        """One that has ended by itself, too."""
        ...
