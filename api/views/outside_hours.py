"""Booked appointments that a therapist's present hours would not offer. They stand; the practice decides about them."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from api.views.booking import AppointmentView
from models.reads.booking.appointments import appointments_by_id
from models.reads.booking.calendar import booked_outside_hours
from models.tables.booking.therapist import Therapist
from rules.accounts.caller import Caller
from rules.booking.availability import Availability


class OutsideHoursView(AppointmentView):
    """``because`` says which: "outside the hours", "under time off", or both joined by "and"."""

    because: str


async def outside_hours(
    session: AsyncSession, therapist: Therapist, availability: Availability, *, caller: Caller, now: datetime
) -> dict[str, list[OutsideHoursView]]:
    """For a view's field of that name: those ahead or running now that the caller may see, in the order of time. An
    admin is told of no appointment: the field stays unset, since a list without any would say that there is none."""
    if not caller.is_practice:
        return {}
    reasons = await booked_outside_hours(session, therapist, availability, now=now)
    rows = await appointments_by_id(session, caller, reasons)
    views = [OutsideHoursView.of_row(row, caller=caller, because=reasons[row.appointment.id]) for row in rows]
    return {"outside_hours": views}
