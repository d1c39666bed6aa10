"""When a therapist can be booked, as a document."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Body
from pydantic import BaseModel, Field, WithJsonSchema

from rules.enums import AppointmentType


class DayWindowView(BaseModel):
    """Hours of one day, in the therapist's time; ``types``: what can be booked in them."""

    begin: str = Field(alias="from")
    end: str = Field(alias="to")
    types: list[AppointmentType]


class WeeklyWindowView(DayWindowView):
    weekday: str


class OverrideView(BaseModel):
    day: date = Field(alias="date")
    windows: list[DayWindowView]


class TimeOffView(BaseModel):
    starts_at: datetime
    ends_at: datetime
    reason: str | None = None


class SlotSettingsView(BaseModel):
    duration: int
    step: int
    buffer_before: int
    buffer_after: int
    minimum_notice: int
    horizon_days: int
    max_per_day: int | None


class SlotSettingsByType(BaseModel):
    intro_call: SlotSettingsView
    session: SlotSettingsView


class AvailabilityView(BaseModel):
    """What can be booked when, apart from what is booked: the document that ``PUT`` takes as well."""

    time_zone: str
    weekly: list[WeeklyWindowView]
    overrides: list[OverrideView]
    time_off: list[TimeOffView]
    settings: SlotSettingsByType


_TYPES = {"type": "array", "items": {"enum": [kind.value for kind in AppointmentType]}}
_CLOCK = {"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}$", "examples": ["09:00"]}
_WINDOW = {"from": _CLOCK, "to": _CLOCK, "types": _TYPES}
_MINUTES = {"type": "integer", "minimum": 0, "maximum": 1440}
_SETTINGS = {
    "type": "object",
    "properties": {
        "duration": _MINUTES,
        "step": _MINUTES,
        "buffer_before": _MINUTES,
        "buffer_after": _MINUTES,
        "minimum_notice": {"type": "integer", "minimum": 0, "maximum": 525_600},
        "horizon_days": {"type": "integer", "minimum": 1, "maximum": 730},
        "max_per_day": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 1440}, {"type": "null"}]},
    },
}


def _lines(required: list[str], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", "required": required, "properties": properties}}


_EXAMPLE = {
    "weekly": [{"weekday": "mon", "from": "09:00", "to": "17:00", "types": ["intro_call", "session"]}],
    "overrides": [{"date": "2026-12-24", "windows": []}],
    "time_off": [{"starts_at": "2026-12-28T00:00:00Z", "ends_at": "2027-01-02T00:00:00Z", "reason": "Holidays"}],
    "settings": {"session": {"duration": 50, "step": 30, "buffer_after": 10}},
}
_SCHEMA: dict[str, Any] = {
    "title": "AvailabilityBody",
    "type": "object",
    "description": "As it is answered; what is left out is empty, and settings that are left out are the defaults.",
    "properties": {
        "weekly": _lines(["weekday", *_WINDOW], {"weekday": {"type": "string", "examples": ["mon"]}, **_WINDOW}),
        "overrides": _lines(
            ["date", "windows"],
            {"date": {"type": "string", "format": "date"}, "windows": _lines([*_WINDOW], _WINDOW)},
        ),
        "time_off": _lines(
            ["starts_at", "ends_at"],
            {
                "starts_at": {"type": "string", "format": "date-time"},
                "ends_at": {"type": "string", "format": "date-time"},
                "reason": {"anyOf": [{"type": "string", "maxLength": 500}, {"type": "null"}]},
            },
        ),
        "settings": {"type": "object", "properties": {kind.value: _SETTINGS for kind in AppointmentType}},
        "time_zone": {"type": "string", "description": "The therapist's, if it is said at all."},
    },
}

PARTS: dict[str, Any] = {name: said for name, said in _SCHEMA["properties"].items() if name != "time_zone"}

# Read by rules of their own, which name every wrong line: only its description is here.
AvailabilityDocument = Annotated[dict[str, Any], Body(examples=[_EXAMPLE]), WithJsonSchema(_SCHEMA)]
