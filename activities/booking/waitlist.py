"""Waitlists: joining, leaving, and the line of one therapist, which is looked at one change at a time."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.answers import AnsweredOnce
from activities.base import Activities, derived_id
from activities.booking.waitlist_places import close_offer, end_place
from activities.types.booking import LeaveOrder, LineLook, OfferMade, PlaceInLine, WaitOrder
from activities.types.clients import Done
from models.reads.booking.calendar import busy_margin, horizon_end, load_busy
from models.reads.booking.hours import load_availability
from models.reads.booking.may_book import refuse_to_book
from models.reads.booking.outside import busy_times
from models.reads.booking.waitlist import busy_of_clients, lines_of, live_places, offers_of, released_place, unanswered
from models.reads.journey import journey_facts, project
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.therapist import Therapist
from models.tables.booking.waitlist import WaitlistOfferRecord, WaitlistPlace
from models.tables.clients.client import Client
from models.writes.booking.holds import drop_expired_holds
from models.writes.locks import lock_client, lock_therapist
from models.writes.outbox import client_mail, order_mails
from models.writes.timeline import tell
from rules.accounts.caller import SYSTEM, client_caller
from rules.booking.availability import Availability, Busy, check_slot
from rules.booking.eligibility import BOOKING_DISABLED
from rules.booking.waitlist import Offer, Waiting, is_given_up, next_offer
from rules.enums import AppointmentType, ClientStatus, OfferEnd, PlaceEnd
from rules.mail.kinds import Mail
from rules.policy import JourneyPolicy
from rules.refusals import Problem, Refusal, invalid
from rules.timeline import FactKind

JOINED_LINE = AnsweredOnce("join_waitlist", Done)
LEFT_LINE = AnsweredOnce("leave_waitlist", Done)
_LOOK_AT_LEAST = timedelta(days=1)  # new days come within the horizon by time alone


class WaitlistActivities(Activities):
    @activity.defn
    async def join_waitlist(self, order: WaitOrder) -> Done:
        """Take a place in line, or change the wish of the place one has. It is refused to whom a booking would be."""
        now = await self.now()
        async with self.transaction() as session:
            therapist = (await session.exec(select(Therapist).where(col(Therapist.slug) == order.therapist))).first()
            if therapist is None:
                return Done(refusal=invalid("therapist", f"there is no therapist {order.therapist}"), changed=False)
            await lock_therapist(session, therapist.id)
            client = await lock_client(session, UUID(order.client_id))
            given = await JOINED_LINE.given(session, client, order)
            if given is not None:
                return given
            refusal = await _refuse(session, client, therapist, order, now=now)
            if refusal is not None:
                return Done(refusal=refusal, changed=False)
            mine = await _place_of(session, client, therapist, order, now=now)
            place = mine or _place(client, therapist, order, at=now)
            place.ended_at = place.ended_because = None
            place.wished_from, place.wished_until = order.wished_from, order.wished_until
            session.add(place)
            await _withdraw_what_is_not_wished(session, place, at=now)
            tell(
                session,
                client,
                FactKind.WAITLIST_WISH_CHANGED if mine else FactKind.WAITLIST_JOINED,
                at=now,
                by=order.by.actor,
                text="The client changed the wish on the waitlist."
                if mine
                else f"The client joined the waitlist of {therapist.name}.",
                data={
                    "request_id": order.request_id,
                    "place_id": str(place.id),
                    "therapist": therapist.slug,
                    "type": order.type.value,
                    "from": order.wished_from.isoformat(),
                    "until": order.wished_until.isoformat(),
                },
            )
            joined = Done(facts=await project(session, client), lines=(therapist.slug,))
            return JOINED_LINE.keep(session, client, order, joined, at=now)

    @activity.defn
    async def leave_waitlist(self, order: LeaveOrder) -> Done:
        """Give up a place. Leaving a place that has ended is fine."""
        now = await self.now()
        async with self.transaction() as session:
            place = await session.get(WaitlistPlace, UUID(order.place_id))
            if place is None or str(place.client_id) != order.client_id:
                return Done(refusal=_NO_PLACE, changed=False)
            await lock_therapist(session, place.therapist_id)
            client = await lock_client(session, place.client_id)
            given = await LEFT_LINE.given(session, client, order)
            if given is not None:
                return given
            await session.refresh(place)
            # A place that an archive released is still there for the client side, and can be given up like any other.
            there = place.ended_at is None or (
                place.ended_because is PlaceEnd.ARCHIVED and place.ended_at == client.archived_at
            )
            if there:
                await end_place(session, client, place, because=PlaceEnd.LEFT, at=now, by=order.by.actor)
            left = Done(
                facts=await project(session, client),
                changed=there,
                lines=await lines_of(session, ended={place.therapist_id}),
            )
            return LEFT_LINE.keep(session, client, order, left, at=now)

    @activity.defn
    async def look_at_line(self, therapist: str) -> LineLook:
        """Bring a therapist's line up to date: offers that ran out, wishes that are over, and what can be offered now.

        Every change is a transaction of its own, because each locks one client. Ends when nothing is left to do.
        """
        while True:
            async with self.transaction() as session:
                line = await _Line.of(session, therapist, now=await self.now())
                if line is None:
                    return LineLook(line=())
                if not (await line.something_ended() or await line.make_offer(self.deps.policy)):
                    return replace(await line.look(), policy=self.deps.policy)


def _place(client: Client, therapist: Therapist, order: WaitOrder, *, at: datetime) -> WaitlistPlace:
    return WaitlistPlace(
        id=derived_id(order.request_id, "place"),
        client_id=client.id,
        therapist_id=therapist.id,
        type=order.type,
        wished_from=order.wished_from,
        wished_until=order.wished_until,
        joined_at=at,
        joined_by=order.by.actor,
    )


@dataclass
class _Line:
    """The line of one therapist, who is locked."""

    session: AsyncSession
    therapist: Therapist
    now: datetime
    availability: Availability
    places: list[WaitlistPlace]
    offers: dict[UUID, list[WaitlistOfferRecord]]

    @classmethod
    async def of(cls, session: AsyncSession, slug: str, *, now: datetime) -> "_Line | None":
        found = (await session.exec(select(Therapist.id).where(col(Therapist.slug) == slug))).first()
        if found is None:
            return None
        therapist = await lock_therapist(session, found)
        places = list(await live_places(session, therapist_id=therapist.id))
        availability = await load_availability(session, therapist)
        return cls(session, therapist, now, availability, places, await offers_of(session, [one.id for one in places]))

    def open_offer(self, place: WaitlistPlace) -> WaitlistOfferRecord | None:
        return next((offer for offer in self.offers[place.id] if offer.closed_at is None), None)

    async def something_ended(self) -> bool:
        """Settle the first offer that ran out or was declined, or the first wish that is over."""
        for place in self.places:
            offer = self.open_offer(place)
            end = await self._end_of(place, offer) if offer is not None else None
            if offer is not None and end is not None:
                client = await lock_client(self.session, place.client_id)
                await close_offer(self.session, offer, because=end, at=self.now)
                tell(
                    self.session,
                    client,
                    FactKind.of_offer(end),
                    at=self.now,
                    by=SYSTEM,
                    text=f"A time that was offered from the waitlist {_BECAME[end]}.",
                    data={
                        "place_id": str(place.id),
                        "offer_id": str(offer.id),
                        "starts_at": offer.starts_at.isoformat(),
                    },
                )
                if is_given_up(unanswered(self.offers[place.id])):
                    await self._end(client, place, PlaceEnd.UNANSWERED)
                return True
            if place.wished_until <= self.now:
                client = await lock_client(self.session, place.client_id)
                await self._end(client, place, PlaceEnd.OVER)
                return True
        return False

    async def _end_of(self, place: WaitlistPlace, offer: WaitlistOfferRecord) -> OfferEnd | None:
        """Whether an open offer is over: its time has come, its hold was released, the hours have changed, or the
        therapist has become busy elsewhere."""
        if offer.expires_at <= self.now:
            return OfferEnd.RAN_OUT
        if await self.session.get(OccupiedTime, offer.id) is None:
            return OfferEnd.DECLINED
        elsewhere = await busy_times(
            self.session, self.therapist.id, starts_before=offer.ends_at, ends_after=offer.starts_at, limit=1
        )
        problem = check_slot(
            availability=self.availability,
            type=place.type,
            starts_at=offer.starts_at,
            busy=[Busy(type=None, starts_at=one.starts_at, ends_at=one.ends_at) for one in elsewhere],
            now=self.now,
            notice_from=offer.made_at,
        )
        return None if problem is None else OfferEnd.WITHDRAWN

    async def _end(self, client: Client, place: WaitlistPlace, because: PlaceEnd) -> None:
        await end_place(self.session, client, place, because=because, at=self.now, by=SYSTEM)

    async def make_offer(self, policy: JourneyPolicy) -> bool:
        """Offer one time to one place, and hold it. False if there is nothing for anybody."""
        waiting = [place for place in self.places if self.open_offer(place) is None]
        if not waiting:
            return False
        await drop_expired_holds(self.session, therapist_id=self.therapist.id, now=self.now)
        margin = busy_margin(self.availability)
        busy = await load_busy(
            self.session,
            therapist_id=self.therapist.id,
            starts_before=horizon_end(self.availability, now=self.now) + margin,
            ends_after=self.now - margin,
            now=self.now,
        )
        clients = await busy_of_clients(self.session, [place.client_id for place in waiting], ends_after=self.now)
        line = [
            Waiting(
                place_id=str(place.id),
                type=place.type,
                wished_from=place.wished_from,
                wished_until=place.wished_until,
                offered=frozenset(offer.starts_at for offer in self.offers[place.id]),
                busy=tuple(clients[place.client_id]),
            )
            for place in waiting
        ]
        while line:
            offer = next_offer(
                line=line, availability=self.availability, busy=busy, now=self.now, offer_ttl=policy.waitlist_offer_ttl
            )
            if offer is None:
                return False
            if await self._may_book(offer):
                await self._write(offer)
                return True
            # Who could not take it keeps the place, and is asked once that has changed.
            line = [waiting for waiting in line if waiting.place_id != offer.place_id]
        return False

    async def _may_book(self, offer: Offer) -> bool:
        place = next(place for place in self.places if str(place.id) == offer.place_id)
        client = await self.session.get_one(Client, place.client_id)
        return await refuse_client(self.session, client, self.therapist, place.type, now=self.now) is None

    async def _write(self, offer: Offer) -> None:
        place = next(place for place in self.places if str(place.id) == offer.place_id)
        client = await lock_client(self.session, place.client_id)
        id = derived_id(place.id, "offer", len(self.offers[place.id]) + 1)
        self.session.add(
            WaitlistOfferRecord(
                id=id,
                place_id=place.id,
                starts_at=offer.starts_at,
                ends_at=offer.ends_at,
                made_at=self.now,
                expires_at=offer.expires_at,
            )
        )
        self.session.add(
            OccupiedTime(
                id=id,
                therapist_id=self.therapist.id,
                type=offer.type,
                starts_at=offer.starts_at,
                ends_at=offer.ends_at,
                made_by=f"waitlist:{place.id}",
                made_at=self.now,
                expires_at=offer.expires_at,
            )
        )
        tell(
            self.session,
            client,
            FactKind.TIME_OFFERED,
            at=self.now,
            by=SYSTEM,
            text="A time that has become free was offered to the client, and is held for a while.",
            data={
                "place_id": str(place.id),
                "offer_id": str(id),
                "type": offer.type.value,
                "therapist": self.therapist.slug,
                "starts_at": offer.starts_at.isoformat(),
                "expires_at": offer.expires_at.isoformat(),
            },
        )
        mail = client_mail(
            Mail.SLOT_OFFERED,
            client,
            str(id),
            therapist=self.therapist.slug,
            offer_id=str(id),
            asked_for=client.status is ClientStatus.ARCHIVED,  # who waits by an own wish
        )
        await self.session.flush()
        await order_mails(self.session, [mail], at=self.now)

    async def look(self) -> LineLook:
        """The line as it stands, with every offer that is open."""
        ids = [place.client_id for place in self.places]
        clients = {
            client.id: client for client in await self.session.exec(select(Client).where(col(Client.id).in_(ids)))
        }
        shown, offers = [], []
        for place in self.places:
            client, offer = clients[place.client_id], self.open_offer(place)
            if offer is not None:
                offers.append(OfferMade(offer_id=str(offer.id), client_id=str(client.id)))
            shown.append(
                PlaceInLine(
                    place_id=str(place.id),
                    client_id=str(client.id),
                    ref=client.ref,
                    type=place.type,
                    wished_from=place.wished_from,
                    wished_until=place.wished_until,
                    offered=offer.starts_at if offer else None,
                    offered_until=offer.expires_at if offer else None,
                )
            )
        return LineLook(line=tuple(shown), offers=tuple(offers), look_at=await self._look_at() if shown else None)

    async def _look_at(self) -> datetime:
        """When a hold ends, be it an offer or somebody's who is choosing, a wish is over, or a day has passed."""
        ends = select(func.min(OccupiedTime.expires_at)).where(
            col(OccupiedTime.therapist_id) == self.therapist.id, col(OccupiedTime.expires_at) > self.now
        )
        next_end = (await self.session.exec(ends)).one()
        instants = [self.now + _LOOK_AT_LEAST, *(place.wished_until for place in self.places)]
        return min(instants if next_end is None else [*instants, next_end])


async def _place_of(
    session: AsyncSession, client: Client, therapist: Therapist, order: WaitOrder, *, now: datetime
) -> WaitlistPlace | None:
    """The place that the client has, or still sees since an archive has released it: it is taken up again."""
    whose = {"client_id": client.id, "therapist_id": therapist.id}
    live = await live_places(session, **whose, type=order.type)
    return live[0] if live else await released_place(session, **whose, type=order.type, now=now)


async def _withdraw_what_is_not_wished(session: AsyncSession, place: WaitlistPlace, *, at: datetime) -> None:
    """The wish has changed: a time on offer that is outside of it goes to the next."""
    for offer in (await offers_of(session, [place.id]))[place.id]:
        if offer.closed_at is None and not place.wished_from <= offer.starts_at < place.wished_until:
            await close_offer(session, offer, because=OfferEnd.WITHDRAWN, at=at)


async def _refuse(
    session: AsyncSession, client: Client, therapist: Therapist, order: WaitOrder, *, now: datetime
) -> Refusal | None:
    if order.wished_until <= max(order.wished_from, now):
        return invalid("to", "must be after from, and not in the past")
    if client.therapist_id not in (None, therapist.id):
        present = await session.get_one(Therapist, client.therapist_id)
        return invalid("therapist", f"is not this client's; they book with {present.slug}")
    return await refuse_client(session, client, therapist, order.type, now=now)


async def refuse_client(
    session: AsyncSession, client: Client, therapist: Therapist, type: AppointmentType, *, now: datetime
) -> Refusal | None:
    """Why this client could not take what is offered: an offer goes to the client, whoever put them in line.

    Who has such an appointment already may move it into the offered time, whatever stands in the way of another.
    """
    enabled = client.portal_settings.get("schedule_appointments", True)
    facts = await journey_facts(session, client, now=now)
    if facts.has_open(type):
        return None if enabled else BOOKING_DISABLED
    return refuse_to_book(client, therapist, facts, type=type, weeks=1, by=client_caller(str(client.id)))


_BECAME = {
    OfferEnd.DECLINED: "was declined",
    OfferEnd.RAN_OUT: "was not booked in time",
    OfferEnd.WITHDRAWN: "was withdrawn, because the therapist is not there then any more",
}
_NO_PLACE = Refusal(name=Problem.NOT_FOUND, detail="There is no such place on a waitlist.")
