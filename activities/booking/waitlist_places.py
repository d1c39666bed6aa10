"""What other steps do to waitlists: end a client's places, and say whose line should be looked at again."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.booking.waitlist import live_places
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.therapist import Therapist
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


async def lines_freed_by(session: AsyncSession, client: Client, therapist: Therapist) -> tuple[str, ...]:
    """The lines that an appointment's change concerns: the therapist's, and those in which its client waits."""
    own = {place.therapist_id for place in await live_places(session, client_id=client.id)}
    return await lines_of(session, freed={therapist.id, *own})


async def lines_of_client(session: AsyncSession, client: Client) -> tuple[str, ...]:
    """The lines this client waits in: what they may book, or when they are free, has changed."""
    return await lines_of(
        session, ended={place.therapist_id for place in await live_places(session, client_id=client.id)}
    )


async def lines_of(session: AsyncSession, *, freed: Iterable[UUID] = (), ended: Iterable[UUID] = ()) -> tuple[str, ...]:
    """The slugs of therapists whose line should be looked at: time was ``freed`` and somebody waits for it, or a place
    has ``ended``."""
    therapists, free = set(ended), set(freed)
    if free:
        waited_for = select(WaitlistPlace.therapist_id).where(
            col(WaitlistPlace.therapist_id).in_(free), col(WaitlistPlace.ended_at).is_(None)
        )
        therapists |= set((await session.exec(waited_for)).all())
    if not therapists:
        return ()
    slugs = select(Therapist.slug).where(col(Therapist.id).in_(therapists))
    return tuple(sorted((await session.exec(slugs)).all()))
