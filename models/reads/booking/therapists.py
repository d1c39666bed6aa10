"""Therapists, by slug and in lists."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.paging import Page, one_page
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from rules.enums import ClientStatus


async def therapist_by_slug(session: AsyncSession, slug: str) -> Therapist | None:
    return (await session.exec(select(Therapist).where(col(Therapist.slug) == slug))).first()


async def list_therapists(session: AsyncSession, *, page: Page, accepting: bool | None = None) -> Sequence[Therapist]:
    """Therapists by slug; one more than the page holds, if there are more."""
    statement = select(Therapist).order_by(col(Therapist.slug))
    if accepting is not None:
        statement = statement.where(col(Therapist.accepting_clients) == accepting)
    return await one_page(session, statement, page, Therapist.slug)


async def active_clients(session: AsyncSession, therapists: Collection[UUID]) -> dict[UUID, int]:
    """How many active clients each therapist has now."""
    statement = (
        select(Client.therapist_id, func.count())
        .where(
            col(Client.therapist_id).in_(therapists),
            col(Client.status) == ClientStatus.ACTIVE,
            col(Client.closed_at).is_(None),
        )
        .group_by(col(Client.therapist_id))
    )
    return {therapist: number for therapist, number in await session.exec(statement) if therapist}


async def slugs_of(session: AsyncSession, therapists: Collection[UUID]) -> dict[UUID, str]:
    statement = select(Therapist.id, Therapist.slug).where(col(Therapist.id).in_(therapists))
    return dict((await session.exec(statement)).all())
