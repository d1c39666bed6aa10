"""For whom a program speaks (delegation): by a person's own token, or by the pass of a client who has no account yet.

``Authorization`` says who speaks, ``On-Behalf-Of`` beside a program's key for whom; what is allowed is what both may.
The booking site speaks for anybody. A key of the practice speaks for persons of its own role alone: nobody of the
practice acts as a client.

A pass is a capability of one client. It lives ``PASS_IDLE`` from its last use, no longer than the bound it was born
with, however often it is renewed, and ends with the client's activation.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from api.accounts.callers import Asker, token_caller
from api.accounts.programs import Program
from api.accounts.tokens import hash_of, new_token, read_bearer, unauthenticated
from api.problems import Refused, refuse
from models.database import Sessions
from models.tables.accounts.token import Token, TokenKind
from models.writes.accounts.tokens import revoke_live_token
from rules.policy import JourneyPolicy
from rules.refusals import Problem

HEADER = "On-Behalf-Of"
RENEWAL = "/v1/clients/{client_id}/passes"
_FOR_PERSONS = (TokenKind.SESSION, TokenKind.PASS)


async def on_behalf_of(
    sessions: Sessions,
    speaks: Asker | None,
    said: Sequence[str],
    *,
    factor_demanded: bool,
    policy: JourneyPolicy,
    now: datetime,
    about: UUID | None,
    asks_again: bool,
) -> Asker:
    """Who asks, by what stands in ``On-Behalf-Of`` beside the key of the program that ``speaks``. Raises Refused.

    ``asks_again``: it may be a request to renew a pass whose answer was lost, so that the pass has ended by it.
    """
    if speaks is None:
        raise unauthenticated(f"{HEADER} goes beside a program's key.")
    if speaks.program is None:
        detail = f"{HEADER} counts beside a program's key: whoever has a token of their own speaks for themselves."
        raise refuse(Problem.NOT_ALLOWED, detail)
    if len(said) != 1:
        raise unauthenticated(f"{HEADER} is said once.")
    token = read_bearer(said[0], header=HEADER) or ""
    person = await token_caller(
        sessions,
        token,
        _FOR_PERSONS,
        factor_demanded=factor_demanded,
        policy=policy,
        now=now,
        about=about,
        asks_again=asks_again,
    )
    if person is None:
        raise unauthenticated(f"{HEADER} has no person's token, and no client's pass, that is valid.")
    return _both(speaks.program, person)


def _both(program: Program, person: Asker) -> Asker:
    callers = person.callers if program.is_site else tuple(each for each in person.callers if each.role is program.role)
    if not callers:
        detail = f"A key with the role {program.role} speaks for persons of that role alone."
        raise refuse(Problem.NOT_ALLOWED, detail)
    return replace(person, callers=callers, program=program)


def new_pass(session: AsyncSession, client_id: UUID, *, until: datetime, at: datetime) -> str:
    """A pass of this client that ends at ``until`` at the latest. The caller commits."""
    token = new_token()
    session.add(Token(hash=hash_of(token), kind=TokenKind.PASS, client_id=client_id, made_at=at, expires_at=until))
    return token


async def renewed_pass(session: AsyncSession, token_hash: str, *, at: datetime) -> tuple[str, datetime]:
    """Another pass for the one with this hash, which ends; and until when it lives at the latest, as that did. Raises
    Refused where it has ended meanwhile. The caller commits."""
    former = await revoke_live_token(session, token_hash, at=at)
    if former is None or former.client_id is None:
        raise _ended()
    return new_pass(session, former.client_id, until=former.expires_at, at=at), former.expires_at


def _ended() -> Refused:
    return unauthenticated("This pass has ended.")
