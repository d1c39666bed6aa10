"""Consents to read a calendar at a vendor: begun, claimed once, and what comes of them. The caller commits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.booking.calendar_consent import CalendarConsent
from rules.booking.calendar_vendors import CONSENT_TTL


async def begin_consent(
    session: AsyncSession,
    calendar_id: UUID,
    hash_: str,
    *,
    verifier: str,
    return_url: str,
    by: str,
    real: datetime,
) -> CalendarConsent:
    """``real``: the world's time, here and below. What is long over goes with it, and so does what was begun before for
    the same calendar: of several browsers the last counts."""
    over = (col(CalendarConsent.expires_at) < real - CONSENT_TTL) | (col(CalendarConsent.calendar_id) == calendar_id)
    await session.exec(delete(CalendarConsent).where(over))
    row = CalendarConsent(
        hash=hash_,
        calendar_id=calendar_id,
        begun_by=by,
        verifier=verifier,
        return_url=return_url,
        begun_at=real,
        expires_at=real + CONSENT_TTL,
    )
    session.add(row)
    await session.flush()
    return row


async def claim_consent(session: AsyncSession, hash_: str, *, by: str, real: datetime) -> CalendarConsent | None:
    """The right to take a code to the vendor, which whoever began it gets once; None for all others."""
    claimed = (
        update(CalendarConsent)
        .where(
            col(CalendarConsent.hash) == hash_,
            col(CalendarConsent.begun_by) == by,
            col(CalendarConsent.claimed_at).is_(None),
            col(CalendarConsent.expires_at) > real,
        )
        .values(claimed_at=real)
        .returning(col(CalendarConsent.hash))
    )
    if (await session.exec(claimed)).first() is None:
        return None
    return await session.get(CalendarConsent, hash_, populate_existing=True)


async def give_back_consent(session: AsyncSession, hash_: str) -> None:
    """The vendor could not be asked: the same code may be shown again."""
    await session.exec(update(CalendarConsent).where(col(CalendarConsent.hash) == hash_).values(claimed_at=None))
