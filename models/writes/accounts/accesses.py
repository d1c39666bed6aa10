"""Writing to the access log: one statement, that waits for nobody."""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import chain_keys
from rules.accounts.accesses import Access, AccessEvent, name_of, sign_access
from rules.chain import ChainKeys, instant

# One text for any number of lines. Whoever has a line already, has looked once more; that a key was used says nothing
# more the second time.
_WRITE = sa.text(
    f"""
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(CAST(:lines AS jsonb)) AS line (
            id uuid, at timestamptz, event text, who text, role text, account_id uuid, about text, token_by text,
            kind text, whose uuid[], visitor text, network text, request_id text,
            of_archive boolean, key_id text, mac text
        )
    ), fresh AS (
        INSERT INTO access_line (
            id, at, event, who, role, account_id, about, token_by, kind, whose, visitor, network, request_id,
            of_archive, key_id, mac
        )
        SELECT
            id, at, event, who, role, account_id, about, token_by, kind, whose, visitor, network, request_id,
            of_archive, key_id, mac
        FROM given
        ON CONFLICT (id) DO NOTHING
        RETURNING id
    )
    INSERT INTO access_repeat (line, at)
    SELECT id, at FROM given WHERE event <> '{AccessEvent.KEY_USE}' AND id NOT IN (SELECT id FROM fresh)
    """  # noqa: S608 - a word of our own
)


async def write_accesses(session: AsyncSession, accesses: Sequence[Access]) -> None:
    """Add these lines, each of which is another, in the running transaction."""
    keys = chain_keys(session)
    lines = json.dumps([_row(keys, access) for access in accesses])
    statement: Any = _WRITE.bindparams(lines=lines)
    await session.exec(statement)


def _row(keys: ChainKeys, access: Access) -> dict[str, Any]:
    return {
        **vars(access),
        "id": str(name_of(keys, access)),
        "at": instant(access.at),
        "key_id": keys.current,
        "mac": sign_access(keys, access),
    }
