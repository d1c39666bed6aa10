"""Who of the practice made a record: the person, where it was one."""

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.accounts.account import Account
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from rules.enums import Role


async def tester_of(session: AsyncSession, client: Client, *, care_team: str) -> str | None:
    """Where all mails of a test client go: to the person of the practice who made it, at their present address; to the
    ``care_team`` where a program made it, or that person has left or is locked. None of any other client."""
    return await _address_of_maker(session, client) or care_team if client.test else None


async def _address_of_maker(session: AsyncSession, client: Client) -> str | None:
    role, _, name = client.made_by.partition(":")
    profiles = select(Therapist.id).where(col(Therapist.slug) == name)
    # A handle is no program's name, and no client's id.
    theirs = col(Account.therapist_id).in_(profiles) if role == Role.THERAPIST else col(Account.handle).in_([name])
    ends = (col(Account.deactivated_at), col(Account.locked_at))
    here = (col(Account.activated_at).is_not(None), *(end.is_(None) for end in ends))
    return (await session.exec(select(Account.email).where(theirs, *here))).first()
