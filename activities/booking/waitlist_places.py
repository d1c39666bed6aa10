"""What other steps do to waitlists: end a client's places, and say whose line should be looked at again."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.booking.waitlist import live_places
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.waitlist import WaitlistOfferRecord, WaitlistPlace
from models.tables.clients.client import Client
from models.writes.timeline import tell
from rules.enums import AppointmentType, OfferEnd, PlaceEnd
from rules.timeline import FactKind

_ENDED = {
    PlaceEnd.BOOKED: "The client's place on the waitlist ended: an appointment was booked.",
    PlaceEnd.LEFT: "The client left the waitlist.",
    PlaceEnd.UNANSWERED: "The client's place on the waitlist ended: too many offers ran out.",
    PlaceEnd.OVER: "The client's place on the waitlist ended: the wished time is over.",
    PlaceEnd.REMATCHED: "The client's place on the waitlist ended: another therapist was assigned.",
    PlaceEnd.ARCHIVED: "The client's place on the waitlist was released.",
}


async def end_places(
    session: AsyncSession,
    client: Client,
    *,
    because: PlaceEnd,
    at: datetime,
    by: str,
    therapist_id: UUID | None = None,
    type: AppointmentType | None = None,
) -> set[UUID]:
    """End the client's places (all, or those with one therapist, of one type). The therapists whose lines changed.

    The therapists and the client are locked. What was offered is free again at once.
    """
    places = await live_places(session, client_id=client.id, therapist_id=therapist_id, type=type)
    for place in places:
        await end_place(session, client, place, because=because, at=at, by=by)
    return {place.therapist_id for place in places}


async def end_place(
    session: AsyncSession, client: Client, place: WaitlistPlace, *, because: PlaceEnd, at: datetime, by: str
) -> None:
    place.ended_at, place.ended_because = at, because
    session.add(place)
    open_offers = select(WaitlistOfferRecord).where(
        col(WaitlistOfferRecord.place_id) == place.id, col(WaitlistOfferRecord.closed_at).is_(None)
    )
    for offer in await session.exec(open_offers):
        how = OfferEnd.BOOKED if because is PlaceEnd.BOOKED else OfferEnd.WITHDRAWN
        await close_offer(session, offer, because=how, at=at)
    tell(
        session,
        client,
        FactKind.WAITLIST_LEFT,
        at=at,
        by=by,
        text=_ENDED[because],
        data={"place_id": str(place.id), "because": because.value},
    )


async def close_offer(session: AsyncSession, offer: WaitlistOfferRecord, *, because: OfferEnd, at: datetime) -> None:
    """Close an offer and free its time."""
    offer.closed_at, offer.closed_because = at, because
    session.add(offer)
    # By its id, whether or not it is there still: it may be released or used in this very moment.
    await session.exec(delete(OccupiedTime).where(col(OccupiedTime.id) == offer.id))
    await session.flush()
