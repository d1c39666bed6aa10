"""Who is asking: service keys, sign-ins of clients, therapists' tokens. Tokens are opaque, kept as hashes."""

import asyncio
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.problems import refuse
from api.settings import ServiceKey
from models.database import Sessions
from models.reads.accounts.tokens import KnownToken, token_by_hash
from models.tables.accounts.token import Token, TokenKind
from models.writes.accounts.tokens import mark_used
from rules.accounts.caller import Caller
from rules.enums import Role
from rules.policy import JourneyPolicy
from rules.refusals import Problem

_PREFIX = "cj_"
_NOTE_USE_EVERY = timedelta(minutes=1)


def new_token() -> str:
    """A token nobody can guess."""
    return _PREFIX + secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def storable(text: str) -> str:
    """Text that no database and no hash chokes on; what cannot be stored fits nobody anyway."""
    return text.encode(errors="replace").decode().replace("\0", "?")


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


class Passwords:
    """Argon2 in a thread, few at a time: each check takes 64 MB and tens of milliseconds on purpose."""

    def __init__(self, *, hasher: PasswordHasher | None = None, at_once: int = 4) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(at_once)

    async def hash(self, password: str) -> str:
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, password: str, stored: str | None) -> bool:
        """Whether the password is the stored one; takes as long when nothing is stored."""
        async with self._turn:
            return await asyncio.to_thread(self._fits, password, stored)

    def _fits(self, password: str, stored: str | None) -> bool:
        try:
            self._hasher.verify(stored or _nobodys(self._hasher), password)
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None


@cache
def _nobodys(hasher: PasswordHasher) -> str:
    """A stored password that nobody has: checking against it takes as long as against a real one."""
    return hasher.hash(secrets.token_urlsafe(16))


class FailedSignIns:
    """At most ten failed sign-ins per address in fifteen minutes, whether anybody has the address or not.

    A try counts before its password is looked at, so that guesses sent side by side are bounded too. No counter is
    pushed out before its time, so a flood of made-up addresses forgets nobody's; it costs memory only at the pace at
    which passwords are checked. Each process counts alone.
    """

    MOST = 10
    WINDOW = timedelta(minutes=15)

    def __init__(self) -> None:
        self._tries: OrderedDict[str, list[datetime]] = OrderedDict()  # by the latest try

    def count(self, address: str, *, now: datetime) -> None:
        """Count a try as failed until it succeeds. Raises Refused while an address has failed too often."""
        self._forget(now - self.WINDOW)
        tries = [at for at in self._tries.get(address, ()) if at > now - self.WINDOW]
        if len(tries) >= self.MOST:
            wait = tries[0] + self.WINDOW - now
            raise refuse(
                Problem.RATE_LIMITED,
                "Too many failed sign-ins with this address. Please try again later.",
                retry_after=max(1, round(wait.total_seconds())),
            )
        self._tries[address] = [*tries, now]
        self._tries.move_to_end(address)

    def succeeded(self, address: str) -> None:
        self._tries.pop(address, None)

    def _forget(self, before: datetime) -> None:
        while self._tries and next(iter(self._tries.values()))[-1] <= before:
            self._tries.popitem(last=False)


def unauthenticated(detail: str = "This needs a valid bearer token.") -> Exception:
    return refuse(Problem.UNAUTHENTICATED, detail)


def read_bearer(header: str | None) -> str | None:
    """The token of an Authorization header, None without one. Raises Refused for another scheme."""
    if header is None:
        return None
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthenticated("The Authorization header must be: Bearer, a space, and the token.")
    return token.strip()


def service_caller(token: str, keys: Iterable[ServiceKey]) -> Caller | None:
    """The program whose key this is. Every key is compared, so that the time taken tells nothing."""
    found: ServiceKey | None = None
    given = sha256(token.encode(errors="surrogateescape")).digest()
    for key in keys:
        if hmac.compare_digest(sha256(key.secret.encode()).digest(), given):
            found = key
    return Caller(role=found.role, name=found.name) if found else None


async def token_caller(sessions: Sessions, token: str, *, policy: JourneyPolicy, now: datetime) -> Caller | None:
    """The person whose token this is, if it is live. Sign-ins also end when they lie idle."""
    if not token.startswith(_PREFIX) or not token.isascii():
        return None
    async with sessions() as session:
        known = await token_by_hash(session, hash_of(token), (TokenKind.SESSION, TokenKind.THERAPIST))
        if known is None or not _is_live(known.token, policy=policy, now=now):
            return None
        last_used = known.token.last_used_at or known.token.made_at
        if now - last_used >= min(_NOTE_USE_EVERY, policy.token_idle / 4):
            await mark_used(session, known.token, at=now)
            await session.commit()
    return _caller(known)


def _is_live(token: Token, *, policy: JourneyPolicy, now: datetime) -> bool:
    if token.revoked_at is not None or token.expires_at <= now:
        return False
    idle_from = (token.last_used_at or token.made_at) + policy.token_idle
    return token.kind is not TokenKind.SESSION or now < idle_from


def _caller(known: KnownToken) -> Caller | None:
    if known.token.kind is TokenKind.THERAPIST and known.therapist:
        return Caller(role=Role.THERAPIST, name=known.therapist, therapist=known.therapist)
    if known.token.client_id is not None:
        client_id = str(known.token.client_id)
        return Caller(role=Role.CLIENT, name=client_id, client_id=client_id)
    return None
