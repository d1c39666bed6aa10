"""Ana's waitlist without engine and API: people who join, looks at the line, and what became of the offers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlmodel import col, select

from activities.booking.waitlist import WaitlistActivities
from activities.types.booking import LeaveOrder, LineLook, WaitOrder
from activities.types.clients import Done
from models.paging import Page
from models.reads.booking.waitlist import PlaceRow, waitlist_places
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.therapist import Therapist
from models.tables.booking.waitlist import WaitlistOfferRecord, WaitlistPlace
from models.writes.booking.holds import drop_hold
from rules.accounts.caller import Caller, client_caller
from rules.enums import AppointmentType, OfferEnd, Role
from tests.care.defaults import weekly_hours
from tests.care.practice import DESK, MONDAY, Practice
from tests.care.rows import Rows, opens

SITE = Caller(role=Role.BOOKING_SITE, name="site")
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
TUESDAY = MONDAY + DAY
SESSION, INTRO = AppointmentType.SESSION, AppointmentType.INTRO_CALL
TABLES = ("waitlist_place", "waitlist_offer", "occupied_time", "fact", "client")


class Waitlist:
    """Ana's waitlist. She has one hour a day, from ten in the morning; others have all day."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        self.steps = WaitlistActivities(practice.booking.deps)
        self.names: dict[str, str] = {}

    async def opens(self, slug: str, *, begins: str = "10:00", until: str = "11:00") -> None:
        settings = {"session": {"step": 60, "minimum_notice": 0}, "intro_call": {"step": 60}}
        async with self.practice.sessions() as session:
            therapist = (await session.exec(select(Therapist).where(col(Therapist.slug) == slug))).one()
            await opens(session, therapist, weekly_hours(begins, until), settings)
            await session.commit()

    async def person(self, name: str, *, therapist: str = "ana") -> str:
        client = await self.practice.client(name=name, therapist=therapist)
        self.names[client] = name
        return client

    def wish(self, client: str, *, first: int = 0, last: int = 0, **more: Any) -> WaitOrder:
        """For whole days, counted from Monday, both included."""
        midnight = MONDAY.replace(hour=5)  # in New York
        wanted: dict[str, Any] = {
            "request_id": str(uuid4()),
            "client_id": client,
            "by": DESK,
            "therapist": "ana",
            "type": SESSION,
            "wished_from": midnight + first * DAY,
            "wished_until": midnight + (last + 1) * DAY,
        }
        return WaitOrder(**wanted | more)

    async def joins(self, client: str, **wish: Any) -> UUID:
        """The id of the place."""
        done = await self.steps.join_waitlist(self.wish(client, **wish))
        assert (done.refusal, done.lines) == (None, ("ana",))
        [place] = [place for place in await self.places() if str(place.client_id) == client and not place.ended_at]
        return place.id

    async def waiters(self, *names: str, **wish: Any) -> list[str]:
        people = []
        for name in names:
            people.append(await self.person(name))
            await self.joins(people[-1], **wish)
            self.practice.clock.instant += timedelta(seconds=1)
        return people

    async def leaves(self, client: str, place: UUID) -> Done:
        order = LeaveOrder(request_id=str(uuid4()), client_id=client, by=SITE, place_id=str(place))
        return await self.steps.leave_waitlist(order)

    async def look(self) -> LineLook:
        return await self.steps.look_at_line("ana")

    async def places(self) -> Sequence[WaitlistPlace]:
        async with self.practice.sessions() as session:
            return (await session.exec(select(WaitlistPlace).order_by(col(WaitlistPlace.joined_at)))).all()

    async def ends(self) -> list[str | None]:
        """Why each place has ended, in the order of joining."""
        return [place.ended_because for place in await self.places()]

    async def offers(self) -> list[tuple[str, datetime, OfferEnd | None]]:
        """Every offer ever made: to whom, of which time, and what became of it."""
        statement = select(WaitlistOfferRecord, WaitlistPlace.client_id).join(WaitlistPlace)
        async with self.practice.sessions() as session:
            order = col(WaitlistOfferRecord.made_at), col(WaitlistOfferRecord.starts_at), col(WaitlistPlace.joined_at)
            rows = (await session.exec(statement.order_by(*order))).all()
        return [(self.names[str(client)], offer.starts_at, offer.closed_because) for offer, client in rows]

    async def open_offer(self, client: str) -> str:
        """The hold's id."""
        [row] = await self.seen(client)
        assert row.offer is not None
        return str(row.offer.id)

    async def seen(self, client: str, *, by: Caller | None = None) -> Sequence[PlaceRow]:
        """The client's places as somebody reads them; the client, if nobody else is said to."""
        async with self.practice.sessions() as session:
            by, now = by or client_caller(client), self.practice.clock.instant
            return await waitlist_places(session, by, client=UUID(client), page=Page(), now=now)

    async def held(self) -> list[datetime]:
        statement = select(OccupiedTime.starts_at).where(col(OccupiedTime.expires_at).is_not(None))
        async with self.practice.sessions() as session:
            return sorted((await session.exec(statement)).all())

    async def releases(self, hold_id: str) -> None:
        async with self.practice.sessions() as session:
            therapist = (await session.exec(select(Therapist.id).where(col(Therapist.slug) == "ana"))).one()
            assert await drop_hold(session, UUID(hold_id), therapist_id=therapist)
            await session.commit()

    async def rows(self) -> dict[str, list[str]]:
        return await Rows(self.practice.sessions).snapshot(*TABLES)

    def passes(self, time: timedelta) -> None:
        self.practice.clock.instant += time
