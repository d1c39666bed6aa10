"""With which keys facts, anchors and lines of access were signed."""

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.accounts.access_log import AccessBlock, AccessLine
from models.tables.clients.fact import Fact
from models.tables.keeping.anchor import Anchor


async def signing_keys(session: AsyncSession) -> set[str]:
    """Ids of keys. Reads every row of each of the tables, within the bound of a statement."""
    found: set[str] = set()
    for column in (Fact.key_id, Anchor.key_id, AccessBlock.key_id, AccessLine.key_id):
        found |= set(await session.exec(select(col(column)).distinct()))
    return found
