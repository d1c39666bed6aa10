"""Waitlists as they are read: who waits, in which order, and what was offered."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, String, and_, exists, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.reads.visibility import may_see_client
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.therapist import Therapist
from models.tables.booking.waitlist import WaitlistOfferRecord, WaitlistPlace
from models.tables.clients.client import Client
from rules.accounts.caller import Caller
from rules.booking.availability import Busy
from rules.booking.waitlist import counts_if_unanswered
from rules.enums import AppointmentType, ClientStatus, OfferEnd, PlaceEnd


async def own_offer(
    session: AsyncSession, *, client_id: UUID, therapist_id: UUID, type: AppointmentType, now: datetime
) -> WaitlistOfferRecord | None:
    """The time that is being offered to this client: it is theirs, whether or not they present its id."""
    statement = (
        select(WaitlistOfferRecord)
        .join(WaitlistPlace, col(WaitlistPlace.id) == col(WaitlistOfferRecord.place_id))
        .where(
            col(WaitlistPlace.client_id) == client_id,
            col(WaitlistPlace.therapist_id) == therapist_id,
            col(WaitlistPlace.type) == type,
            col(WaitlistOfferRecord.closed_at).is_(None),
            col(WaitlistOfferRecord.expires_at) > now,
        )
    )
    return (await session.exec(statement)).first()


async def live_places(
    session: AsyncSession,
    *,
    client_id: UUID | None = None,
    therapist_id: UUID | None = None,
    type: AppointmentType | None = None,
) -> Sequence[WaitlistPlace]:
    """Places that have not ended, first in line first."""
    statement = select(WaitlistPlace).where(col(WaitlistPlace.ended_at).is_(None))
    if client_id is not None:
        statement = statement.where(col(WaitlistPlace.client_id) == client_id)
    if therapist_id is not None:
        statement = statement.where(col(WaitlistPlace.therapist_id) == therapist_id)
    if type is not None:
        statement = statement.where(col(WaitlistPlace.type) == type)
    return (await session.exec(statement.order_by(col(WaitlistPlace.joined_at), col(WaitlistPlace.id)))).all()


async def offers_of(session: AsyncSession, places: Collection[UUID]) -> dict[UUID, list[WaitlistOfferRecord]]:
    """Every offer ever made to these places, oldest first, by place."""
    offers: dict[UUID, list[WaitlistOfferRecord]] = {place: [] for place in places}
    statement = select(WaitlistOfferRecord).where(col(WaitlistOfferRecord.place_id).in_(places))
    for offer in await session.exec(statement.order_by(col(WaitlistOfferRecord.made_at), col(WaitlistOfferRecord.id))):
        offers[offer.place_id].append(offer)
    return offers


def unanswered(offers: Iterable[WaitlistOfferRecord]) -> int:
    """How many of these were let go by, although there was time to answer."""
    return sum(
        offer.closed_because is OfferEnd.RAN_OUT
        and counts_if_unanswered(starts_at=offer.starts_at, expires_at=offer.expires_at)
        for offer in offers
    )


async def busy_of_clients(
    session: AsyncSession, clients: Collection[UUID], *, ends_after: datetime
) -> dict[UUID, list[Busy]]:
    """The appointments ahead of these clients, with whomever, by client."""
    busy: dict[UUID, list[Busy]] = {client: [] for client in clients}
    statement = select(OccupiedTime).where(
        col(OccupiedTime.client_id).in_(clients), col(OccupiedTime.ends_at) > ends_after
    )
    for row in await session.exec(statement):
        if row.client_id is not None:
            busy[row.client_id].append(
                Busy(id=str(row.id), type=row.type, starts_at=row.starts_at, ends_at=row.ends_at)
            )
    return busy


async def somebody_waits(session: AsyncSession, therapist_id: UUID) -> bool:
    statement = select(WaitlistPlace.id).where(
        col(WaitlistPlace.therapist_id) == therapist_id, col(WaitlistPlace.ended_at).is_(None)
    )
    return (await session.exec(statement.limit(1))).first() is not None


async def therapists_waited_for(session: AsyncSession) -> Sequence[Therapist]:
    """Those in whose line somebody waits, by slug."""
    waiting = exists().where(
        col(WaitlistPlace.therapist_id) == col(Therapist.id), col(WaitlistPlace.ended_at).is_(None)
    )
    return (await session.exec(select(Therapist).where(waiting).order_by(col(Therapist.slug)))).all()


async def lines_freed_by(session: AsyncSession, client: Client, therapist: Therapist) -> tuple[str, ...]:
    """The lines that an appointment's change concerns: the therapist's, and those in which its client waits."""
    own = {place.therapist_id for place in await live_places(session, client_id=client.id)}
    return await lines_of(session, freed={therapist.id, *own})


def lines_waited_in(client_id: UUID) -> ColumnElement[list[str]]:
    """The slugs of the therapists in whose lines a client waits, for a statement that is asked anyway."""
    waited_for = select(WaitlistPlace.therapist_id).where(
        col(WaitlistPlace.ended_at).is_(None), col(WaitlistPlace.client_id) == client_id
    )
    slugs = select(Therapist.slug).where(col(Therapist.id).in_(waited_for))
    return func.array(slugs.scalar_subquery(), type_=ARRAY(String))


async def lines_of_client(session: AsyncSession, client: Client) -> tuple[str, ...]:
    """The lines this client waits in: what they may book, or when they are free, has changed."""
    return tuple(sorted((await session.exec(select(lines_waited_in(client.id)))).one()))


async def lines_of(session: AsyncSession, *, freed: Iterable[UUID] = (), ended: Iterable[UUID] = ()) -> tuple[str, ...]:
    """The slugs of therapists whose line should be looked at: time was ``freed`` and somebody waits for it, or a place
    has ``ended``."""
    by_time, by_place = set(freed), set(ended)
    if not by_time | by_place:
        return ()
    in_line = (col(WaitlistPlace.therapist_id) == col(Therapist.id), col(WaitlistPlace.ended_at).is_(None))
    theirs = or_(col(Therapist.id).in_(by_place), and_(col(Therapist.id).in_(by_time), exists().where(*in_line)))
    return tuple(sorted((await session.exec(select(Therapist.slug).where(theirs))).all()))


def _as_if_live(now: datetime) -> ColumnElement[bool]:
    """Released by the archive that the client is in, and otherwise still waiting: what the client side still sees."""
    return and_(
        col(WaitlistPlace.ended_because) == PlaceEnd.ARCHIVED,
        col(Client.status) == ClientStatus.ARCHIVED,
        col(WaitlistPlace.ended_at) == col(Client.archived_at),
        col(WaitlistPlace.therapist_id) == col(Client.therapist_id),
        col(WaitlistPlace.wished_until) > now,
    )


async def released_places(session: AsyncSession, *, client_id: UUID, now: datetime) -> Sequence[WaitlistPlace]:
    """The places that an archived client still sees, although the archive has released them."""
    statement = (
        select(WaitlistPlace)
        .join(Client, col(Client.id) == col(WaitlistPlace.client_id))
        .where(_as_if_live(now), col(WaitlistPlace.client_id) == client_id)
    )
    return (await session.exec(statement)).all()


async def released_place(
    session: AsyncSession, *, client_id: UUID, therapist_id: UUID, type: AppointmentType, now: datetime
) -> WaitlistPlace | None:
    """The place with this therapist, of this type, that an archived client still sees."""
    places = await released_places(session, client_id=client_id, now=now)
    return next((place for place in places if (place.therapist_id, place.type) == (therapist_id, type)), None)


@dataclass(frozen=True, kw_only=True)
class PlaceRow:
    """A place with its therapist's slug, its position in line (from 1), and what is offered to it now."""

    place: WaitlistPlace
    therapist: str
    position: int
    offer: WaitlistOfferRecord | None


async def waitlist_places(
    session: AsyncSession,
    caller: Caller,
    *,
    page: Page,
    now: datetime,
    client: UUID | None = None,
    therapist: str | None = None,
) -> Sequence[PlaceRow]:
    """The live places that a caller may see, first in line first; one more than the page holds, if there are more.

    An archive releases a place, and the client side is not told: there it is seen as long as it would have lasted. An
    offer is seen while its time is held.
    """
    ahead, at = aliased(WaitlistPlace), col(WaitlistPlace.joined_at)
    before = or_(col(ahead.joined_at) < at, and_(col(ahead.joined_at) == at, col(ahead.id) < col(WaitlistPlace.id)))
    position = (
        select(func.count() + 1)
        .where(col(ahead.therapist_id) == col(WaitlistPlace.therapist_id), col(ahead.ended_at).is_(None), before)
        .scalar_subquery()
    )
    live: ColumnElement[bool] = col(WaitlistPlace.ended_at).is_(None)
    if not caller.is_practice:
        live = or_(live, _as_if_live(now))
    held = exists().where(col(OccupiedTime.id) == col(WaitlistOfferRecord.id), col(OccupiedTime.expires_at) > now)
    statement = (
        select(WaitlistPlace, Therapist.slug, position, WaitlistOfferRecord)
        .join(Client, col(Client.id) == col(WaitlistPlace.client_id))
        .join(Therapist, col(Therapist.id) == col(WaitlistPlace.therapist_id))
        .join(
            WaitlistOfferRecord,
            and_(
                col(WaitlistOfferRecord.place_id) == col(WaitlistPlace.id),
                col(WaitlistOfferRecord.closed_at).is_(None),
                held,
            ),
            isouter=True,
        )
        .where(live, may_see_client(caller))
        .order_by(at, col(WaitlistPlace.id))
    )
    if client is not None:
        statement = statement.where(col(WaitlistPlace.client_id) == client)
    if therapist is not None:
        statement = statement.where(col(Therapist.slug) == therapist)
    found = await one_page(session, statement, page, WaitlistPlace.joined_at, WaitlistPlace.id)
    return [PlaceRow(place=place, therapist=slug, position=number, offer=offer) for place, slug, number, offer in found]


async def client_of_place(session: AsyncSession, caller: Caller, place_id: UUID) -> UUID | None:
    """Whose place it is, if the caller may see that client."""
    statement = (
        select(WaitlistPlace.client_id)
        .join(Client, col(Client.id) == col(WaitlistPlace.client_id))
        .where(col(WaitlistPlace.id) == place_id, may_see_client(caller))
    )
    return (await session.exec(statement)).first()
