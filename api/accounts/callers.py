"""Who is asking: a program by its key, or a person by a token."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from api.accounts.factors.enrolling import factor_to_set_up
from api.accounts.programs import Program
from api.accounts.tokens import PREFIX, hash_of
from models.database import Sessions
from models.reads.accounts.tokens import KnownToken, token_by_hash
from models.tables.accounts.account import Account
from models.tables.accounts.token import TokenKind
from models.tables.clients.client import Client
from models.writes.accounts.tokens import mark_used
from rules.accounts.caller import Caller, client_caller, staff_callers, therapist_caller
from rules.accounts.limits import PASS_ASKED_AGAIN, PASS_IDLE
from rules.accounts.second_factors import opens_enrolling_alone
from rules.enums import Role
from rules.policy import JourneyPolicy

_NOTE_USE_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who asks: a program, or a person with as many callers as they have roles. At least one.

    ``account`` is a person's who has signed in, ``token_hash`` that of their token or pass, or of a therapist's
    program's, whose token was made by ``token_by``. ``program`` showed its key, and speaks for visitors, or for the
    person whose token stands beside it. ``own`` is the client whom the call is about, where they ask themselves, as
    they stood when they were let in.
    """

    callers: tuple[Caller, ...]
    account: Account | None = None
    token_hash: str | None = None
    program: Program | None = None
    token_by: str | None = None
    own: Client | None = None

    @property
    def by_program(self) -> Caller | None:
        """The program that asks, for whomever: one with a key, or one of a therapist's."""
        if self.program is not None:
            return self.program.caller
        return None if self.account is not None or self.callers[0].by_pass else self.callers[0]

    @property
    def key(self) -> str:
        """One name for each asker, whatever the role: the person's, where a program speaks for one."""
        return f"account:{self.account.id}" if self.account is not None else self.callers[0].actor

    @property
    def is_person(self) -> bool:
        """Whether it is somebody with a token of their own, a pass or a therapist's program's included."""
        return self.token_hash is not None


async def token_caller(
    sessions: Sessions,
    token: str,
    kinds: Collection[TokenKind],
    *,
    factor_demanded: bool,
    policy: JourneyPolicy,
    now: datetime,
    about: UUID | None = None,
    asks_again: bool = False,
) -> Asker | None:
    """The person whose token this is, if it is live and of one of these ``kinds``. Sign-ins and passes also end when
    they lie idle. A pass that ``asks_again`` for the one that followed it may have ended just now. ``about``:
    the client whom the call is about, who is read with it if they ask themselves.

    ``factor_demanded``: for this, somebody of the practice needs a second factor. Raises Refused where they have none.
    """
    if not token.startswith(PREFIX) or not token.isascii():
        return None
    async with sessions() as session:
        known = await token_by_hash(session, hash_of(token), kinds, about=about)
        if known is None or not (_is_live(known, policy=policy, now=now) or (asks_again and _just_ended(known, now))):
            return None
        if known.token.kind is TokenKind.PASS and not known.opens_as_pass:
            return None
        last_used = known.token.last_used_at or known.token.made_at
        if now - last_used >= min(_NOTE_USE_EVERY, policy.token_idle / 4):
            await mark_used(session, known.token, at=now)
            await session.commit()
    if known.account is not None and opens_enrolling_alone(
        known.account.side, demanded=factor_demanded, has_factor=known.has_factor or known.token.factor_at_provider
    ):
        raise factor_to_set_up()
    callers = _callers(known)
    if not callers:
        return None
    row = known.token
    return Asker(callers=callers, account=known.account, token_hash=row.hash, token_by=row.made_by, own=known.own)


def _is_live(known: KnownToken, *, policy: JourneyPolicy, now: datetime) -> bool:
    token = known.token
    if token.revoked_at is not None or token.expires_at <= now:
        return False
    if token.kind is TokenKind.THERAPIST:
        return True
    used = token.last_used_at or token.made_at
    if token.kind is TokenKind.PASS:
        return now < used + PASS_IDLE
    if known.account is None or known.account.is_shut:
        return False
    return now < used + policy.token_idle


def _just_ended(known: KnownToken, now: datetime) -> bool:
    token = known.token
    ended = token.revoked_at if token.kind is TokenKind.PASS else None
    return ended is not None and now < min(ended + PASS_ASKED_AGAIN, token.expires_at)


def _callers(known: KnownToken) -> tuple[Caller, ...]:
    account = known.account
    if known.token.kind is TokenKind.PASS:
        return (client_caller(str(known.token.client_id), by_pass=True),)
    if account is None:
        return (therapist_caller(known.therapist),) if known.therapist else ()
    if account.client_id is not None:
        return (client_caller(str(account.client_id)),)
    return staff_callers(account.handle or "", [Role(role) for role in account.roles], known.therapist)
