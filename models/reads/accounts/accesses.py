"""The access log as people read it: the newest line first, each with how often the same was looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import chain_keys
from models.paging import Page, one_page
from models.reads.accounts.access_chain import line_is_signed
from models.tables.accounts.access_log import AccessLine, AccessRepeat
from models.tables.accounts.account import Account
from models.tables.booking.therapist import Therapist
from rules.accounts.accesses import AccessEvent, digests_of_address
from rules.accounts.caller import fold_email
from rules.accounts.sides import AccountSide
from rules.enums import Role


@dataclass(frozen=True, kw_only=True)
class AccessFilter:
    """``who`` as a line has it, or an address, for the sign-ins that failed at it. Times from, and before."""

    client: UUID | None = None
    who: str | None = None
    event: AccessEvent | None = None
    begin: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class AccessRow:
    """``count``: how often, within the line's quarter of an hour; of the use of a key it is not known. ``name``: what
    whoever looked is called now. ``signed``: whether it is as the programs wrote it."""

    line: AccessLine
    count: int | None
    name: str
    signed: bool


async def list_accesses(session: AsyncSession, wanted: AccessFilter, page: Page) -> list[AccessRow]:
    """All lines, those included that no block covers yet."""
    conditions = []
    if wanted.client is not None:
        conditions.append(col(AccessLine.whose).contains([wanted.client]))
    if wanted.who is not None:
        conditions.append(col(AccessLine.who).in_(_spelled(session, wanted.who)))
    if wanted.event is not None:
        conditions.append(col(AccessLine.event) == wanted.event)
    if wanted.begin is not None:
        conditions.append(col(AccessLine.at) >= wanted.begin)
    if wanted.end is not None:
        conditions.append(col(AccessLine.at) < wanted.end)
    return await _rows(session, conditions, page)


async def accesses_of_client(session: AsyncSession, client_id: UUID, page: Page) -> list[AccessRow]:
    """What the client is shown: others who looked, and nothing that an archive caused. A line that nobody signed might
    be made up to frighten them."""
    of_data = [event for event in AccessEvent if event.is_of_data]
    conditions = [
        col(AccessLine.whose).contains([client_id]),
        col(AccessLine.event).in_(of_data),
        col(AccessLine.of_archive).is_(False),
    ]
    return await _rows(session, conditions, page)


async def _rows(session: AsyncSession, conditions: Sequence[object], page: Page) -> list[AccessRow]:
    again = select(func.count()).where(col(AccessRepeat.line) == col(AccessLine.id)).scalar_subquery()
    order = (AccessLine.at, AccessLine.id)
    statement = select(AccessLine, again).where(*conditions)  # type: ignore[arg-type]
    statement = statement.order_by(*(col(column).desc() for column in order))
    found = await one_page(session, statement, page, *order, descending=True)
    names, keys = await _names(session, [line for line, _ in found]), chain_keys(session)
    rows = []
    for line, more in found:
        name = names.get(_named_by(line), line.who)
        count = None if line.event is AccessEvent.KEY_USE else 1 + more
        rows.append(AccessRow(line=line, count=count, name=name, signed=line_is_signed(keys, line)))
    return rows


def _named_by(line: AccessLine) -> tuple[str, str]:
    return ("account", str(line.account_id)) if line.account_id is not None else (line.role or "", line.who)


async def _names(session: AsyncSession, lines: Sequence[AccessLine]) -> dict[tuple[str, str], str]:
    """Of people by their account, of therapists' programs by the profile; every other program is called as it is."""
    ids = {line.account_id for line in lines if line.account_id is not None}
    slugs = {line.who for line in lines if line.account_id is None and line.role == Role.THERAPIST}
    named: dict[tuple[str, str], str] = {}
    if ids:
        people = select(Account.id, Account.name).where(col(Account.id).in_(ids))
        named |= {("account", str(id)): name for id, name in (await session.exec(people)).all() if name}
    if slugs:
        therapists = select(Therapist.slug, Therapist.name).where(col(Therapist.slug).in_(slugs))
        named |= {(Role.THERAPIST.value, slug): name for slug, name in (await session.exec(therapists)).all()}
    return named


def _spelled(session: AsyncSession, who: str) -> list[str]:
    if "@" not in who:
        return [who]
    keys, address = chain_keys(session), fold_email(who)
    return [one for side in AccountSide for one in digests_of_address(keys, f"{side}:{address}")]
