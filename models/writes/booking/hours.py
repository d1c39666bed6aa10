"""A therapist's hours, written as a whole."""

from collections.abc import Collection
from uuid import uuid5

from sqlalchemy import delete
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.booking.therapist import AppointmentSettings, DateOverrideRow, Therapist, TimeOffPeriod, WeeklyHours
from rules.booking.availability import Availability
from rules.enums import AppointmentType


async def save_availability(session: AsyncSession, therapist: Therapist, availability: Availability) -> None:
    """Replace hours, overrides, time off and settings as a whole. Windows that offer nothing are not kept."""
    for table in (WeeklyHours, DateOverrideRow, TimeOffPeriod, AppointmentSettings):
        await session.exec(delete(table).where(col(table.therapist_id) == therapist.id))
    for window in availability.weekly:
        if window.start < window.end:
            session.add(
                WeeklyHours(
                    therapist_id=therapist.id,
                    weekday=window.weekday,
                    opens=window.start,
                    closes=window.end,
                    types=_names(window.types),
                )
            )
    for override in availability.overrides:
        windows = [
            {"from": window.start, "to": window.end, "types": _names(window.types)}
            for window in override.windows
            if window.start < window.end
        ]
        session.add(DateOverrideRow(therapist_id=therapist.id, day=override.day, windows=windows))
    for number, off in enumerate(availability.time_off):
        id = uuid5(therapist.id, f"time off/{number}")
        period = TimeOffPeriod(
            id=id,
            therapist_id=therapist.id,
            number=number,
            starts_at=off.starts_at,
            ends_at=off.ends_at,
            reason=off.reason or None,
        )
        session.add(period)
    for kind, setting in availability.settings.items():
        session.add(
            AppointmentSettings(
                therapist_id=therapist.id,
                type=kind,
                duration=setting.duration,
                step=setting.step,
                buffer_before=setting.buffer_before,
                buffer_after=setting.buffer_after,
                minimum_notice=setting.minimum_notice,
                horizon_days=setting.horizon_days,
                max_per_day=setting.max_per_day,
            )
        )
    await session.flush()


def _names(kinds: Collection[AppointmentType]) -> list[str]:
    return [kind.value for kind in AppointmentType if kind in kinds]
