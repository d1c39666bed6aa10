"""Links that were mailed: whoever has one acts as the person it was mailed to (a capability)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.accounts.tokens import hash_of, storable
from api.problems import refuse
from models.database import Sessions
from models.reads.accounts.tokens import token_by_hash
from models.tables.accounts.token import TokenKind
from rules.refusals import Problem


@dataclass(frozen=True, kw_only=True)
class MailedLink:
    """A link that was mailed to a client, by its token's hash: whoever has it acts as the client."""

    client_id: UUID
    token_hash: str


async def live_link(sessions: Sessions, token: str, kind: TokenKind, *, now: datetime, otherwise: str) -> MailedLink:
    """The link with this token. Raises Refused, with the sentence ``otherwise``, if there is none or it is spent."""
    token_hash = hash_of(storable(token))
    async with sessions() as session:
        known = await token_by_hash(session, token_hash, (kind,))
    row = known.token if known else None
    spent = row is None or row.used_at is not None or row.revoked_at is not None or row.expires_at <= now
    if row is None or row.client_id is None or spent:
        raise refuse(Problem.ACTIVATION_LINK_INVALID, otherwise)
    return MailedLink(client_id=row.client_id, token_hash=token_hash)
