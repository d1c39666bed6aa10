"""Where a therapist joins a video call."""

from fastapi import APIRouter
from starlette.responses import Response

from web.asking.api import part
from web.page import StaffPage
from web.rooms import room_of

router = APIRouter()


@router.get("/meet/{appointment_id}")
async def meet(appointment_id: str, page: StaffPage) -> Response:
    await page.me()
    appointment = await page.api.get(f"/v1/appointments/{part(appointment_id)}")
    return page.show("staff/calendar/meet.html", one=appointment, room=room_of(page.settings, appointment))
