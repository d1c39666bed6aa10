"""Tokens, found by their hash."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlalchemy import ColumnElement, and_, exists, func
from sqlalchemy import select as select_columns
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.accounts.second_factors import has_factor
from models.reads.changes import to_tell
from models.reads.visibility import is_own_record
from models.tables.accounts.account import Account
from models.tables.accounts.token import Token, TokenKind
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client


@dataclass(frozen=True, kw_only=True)
class KnownToken:
    """``therapist``: the slug, of a therapist's token or of an account that is a therapist's. ``has_factor``: a second
    factor of the account is in force. ``opens_as_pass``: the client that it names may have a pass. ``own``: the client
    who was asked about, where it is this client's own token."""

    token: Token
    account: Account | None
    therapist: str | None
    has_factor: bool = False
    opens_as_pass: bool = False
    own: Client | None = None


def public_id(token: Token) -> UUID:
    """By which a token is named where neither it nor its hash is to be shown."""
    return uuid5(NAMESPACE_OID, token.hash)


async def sessions_of(session: AsyncSession, account_id: UUID, *, now: datetime, idle: timedelta) -> list[Token]:
    """The sign-ins of an account that are live, the latest used first."""
    used = func.coalesce(col(Token.last_used_at), col(Token.made_at))
    live = (col(Token.account_id) == account_id, col(Token.kind) == TokenKind.SESSION, used > now - idle, *_live(now))
    return list((await session.exec(select(Token).where(*live).order_by(used.desc(), col(Token.hash)))).all())


async def tokens_of_therapist(session: AsyncSession, therapist_id: UUID, *, now: datetime) -> list[Token]:
    """A therapist's programs' tokens that are live, the newest first."""
    live = (col(Token.therapist_id) == therapist_id, col(Token.kind) == TokenKind.THERAPIST, *_live(now))
    newest = (col(Token.made_at).desc(), col(Token.hash))
    return list((await session.exec(select(Token).where(*live).order_by(*newest))).all())


def _live(now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(Token.revoked_at).is_(None), col(Token.expires_at) > now


def opens_as_pass(client_id: Any) -> tuple[ColumnElement[bool], ...]:
    """The conditions on ``Client`` for one who may have a pass: they have no account yet, and a record that is open and
    their own."""
    return (
        col(Client.id) == client_id,
        col(Client.account_active).is_(False),
        col(Client.closed_at).is_(None),
        col(Client.joined_into).is_(None),
    )


async def token_by_hash(
    session: AsyncSession, token_hash: str, kinds: Collection[TokenKind], *, about: UUID | None = None
) -> KnownToken | None:
    """Whatever the request asks of changes is asked by the same statement; and the client whom it is ``about``, where
    that is whose token it is."""
    whose = func.coalesce(col(Token.therapist_id), col(Account.therapist_id))
    looking = to_tell()
    beside = looking.columns() if looking is not None else ()
    good = exists().where(*opens_as_pass(col(Token.client_id))).correlate(Token)
    columns: tuple[Any, ...] = (Token, Account, Therapist.slug, has_factor(), good)
    own = (Client,) if about is not None else ()
    statement: Any = (
        select_columns(*columns, *own, *beside)
        .join(Account, col(Account.id) == col(Token.account_id), isouter=True)
        .join(Therapist, col(Therapist.id) == whose, isouter=True)
        .where(col(Token.hash) == token_hash, col(Token.kind).in_(kinds))
    )
    if about is not None:
        theirs = func.coalesce(col(Token.client_id), col(Account.client_id))
        statement = statement.join(Client, and_(theirs == about, is_own_record(about)), isouter=True)
    found = (await session.exec(statement)).first()
    if found is None:
        return None
    if looking is not None:
        looking.told(found[len(columns) + len(own) :])
    return KnownToken(
        token=found[0],
        account=found[1],
        therapist=found[2],
        has_factor=found[3],
        opens_as_pass=found[4],
        own=found[5] if own else None,
    )
