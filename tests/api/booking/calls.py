"""Times held, booked and moved through the API. The journeys' own steps run for real there; only the engine between
them and the API is left out."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
from pydantic import TypeAdapter
from sqlmodel import col, select

from activities.booking.appointment import AppointmentActivities
from activities.booking.book import BookingActivities
from activities.booking.series import SeriesActivities
from models.tables import Client, OccupiedTime, Therapist
from tests.api.conftest import SITE, StandingClock, ToldEngine, steps_behind
from tests.care.defaults import details
from tests.care.rows import NOW, Rows

TEN = NOW + timedelta(days=1, hours=3)  # Tuesday, 10:00 in New York; sessions begin every half hour from nine
HALF_HOUR = timedelta(minutes=30)


class BookingCalls:
    """What somebody asks about times, through the API."""

    def __init__(self, api: httpx.AsyncClient, rows: Rows) -> None:
        self.api = api
        self.rows = rows

    async def person(self, therapist: Therapist, name: str = "sara") -> Client:
        return await self.rows.client(therapist, **details("Sara", email=f"{name}@example.com"))

    async def sign_in(self, client: Client) -> dict[str, str]:
        return await self.rows.signed_in(client)

    async def ask(
        self, starts_at: datetime = TEN, *, by: Any = SITE, slug: str = "ana", type: str = "session"
    ) -> httpx.Response:
        body = {"type": type, "starts_at": starts_at.isoformat()}
        return await self.api.post(f"/v1/therapists/{slug}/holds", json=body, headers=by)

    async def hold(self, starts_at: datetime = TEN, **more: Any) -> str:
        answer = await self.ask(starts_at, **more)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["hold_id"])

    async def release(self, hold: object, *, by: Any = SITE) -> httpx.Response:
        return await self.api.delete(f"/v1/holds/{hold}", headers=by)

    async def books(
        self,
        client: Client,
        starts_at: datetime = TEN,
        *,
        hold: str | None = None,
        by: Any = SITE,
        type: str = "session",
    ) -> httpx.Response:
        body = {"type": type, "starts_at": starts_at.isoformat(), "mode": "video", "hold_id": hold}
        return await self.api.post(f"/v1/clients/{client.id}/appointments", json=body, headers=by)

    async def slots(
        self, *, slug: str = "ana", type: str = "session", day: datetime = TEN, hold: str | None = None
    ) -> list[datetime]:
        date = day.date().isoformat()
        asked = {"type": type, "from": date, "to": date, "time_zone": "UTC"} | ({"hold_id": hold} if hold else {})
        answer = await self.api.get(f"/v1/therapists/{slug}/slots", params=asked)
        assert answer.status_code == 200, answer.text
        return [datetime.fromisoformat(s["starts_at"]) for listed in answer.json()["days"] for s in listed["slots"]]

    async def occupied(self) -> list[OccupiedTime]:
        async with self.rows.sessions() as session:
            return list((await session.exec(select(OccupiedTime).order_by(col(OccupiedTime.starts_at)))).all())


def booking_calls(api: httpx.AsyncClient, rows: Rows, engine: ToldEngine, clock: StandingClock) -> BookingCalls:
    """The API, over an engine that books and moves at once."""
    steps = steps_behind(rows, clock)
    booking, appointments, series = BookingActivities(steps), AppointmentActivities(steps), SeriesActivities(steps)
    done: dict[str, Callable[[Any], Awaitable[Any]]] = {
        "book": booking.book,
        "reschedule": appointments.reschedule_appointment,
        "cancel": appointments.cancel_appointment,
        "record_outcome": appointments.record_outcome,
        "reschedule_following": series.reschedule_following,
        "cancel_following": series.cancel_following,
    }
    engine.answers_to |= {name: _through_the_engine(step) for name, step in done.items()}
    return BookingCalls(api, rows)


def _through_the_engine(step: Callable[[Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
    """The step, whose answer travels as JSON."""

    async def answered(order: Any) -> Any:
        answer = await step(order)
        reader: TypeAdapter[Any] = TypeAdapter(type(answer))
        return reader.validate_json(reader.dump_json(answer))

    return answered


def alternatives(answer: httpx.Response) -> list[datetime]:
    return [datetime.fromisoformat(slot["starts_at"]) for slot in answer.json()["alternatives"]]
