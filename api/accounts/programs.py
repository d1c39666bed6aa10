"""Programs: known by their key, from the settings or made by an admin, and let in as what the key says."""

import asyncio
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel.ext.asyncio.session import AsyncSession

from api.accounts.tokens import KEY_PREFIX, hash_of
from api.problems import refuse
from api.settings import ApiSettings, ServiceKey
from engine.clock import Clock
from models.database import Sessions
from models.reads.accounts.keys import an_admin_has_an_account, keys_of_role, live_key, names_taken
from models.writes.accounts.keys import mark_key_used
from rules.accounts.caller import Caller
from rules.accounts.limits import NOTE_KEY_USE_EVERY
from rules.accounts.programs import KeyScope
from rules.enums import Role
from rules.refusals import Problem

log = structlog.get_logger(__name__)

_TRY_AGAIN = 30.0


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program that showed its key. ``scopes`` narrow it within its role; none: it may all that the role may."""

    role: Role
    name: str
    scopes: frozenset[KeyScope] = frozenset()

    @property
    def caller(self) -> Caller:
        return Caller(role=self.role, name=self.name)

    @property
    def is_site(self) -> bool:
        """Whether it is the booking site's, which speaks for whoever's token it shows beside the key."""
        return self.role is Role.BOOKING_SITE


async def program_with(sessions: Sessions, key: str, *, settings: ApiSettings, clock: Clock) -> Program | None:
    """The program whose key this is, if it is good. Raises Refused for an admin's where admins are persons."""
    program = _in_settings(key, settings.service_keys) or await _made(sessions, key, clock=clock)
    if program is not None and program.role is Role.ADMIN and settings.admins_are_persons:
        async with sessions() as session:
            if await an_admin_has_an_account(session):
                raise refuse(
                    Problem.NOT_ALLOWED,
                    "Keys with the role admin are refused since an admin has an account: sign in as a person.",
                )
    return program


def _in_settings(given: str, keys: Iterable[ServiceKey]) -> Program | None:
    """Every key is compared, so that the time taken tells nothing."""
    found: ServiceKey | None = None
    digest = sha256(given.encode(errors="surrogateescape")).digest()
    for key in keys:
        if hmac.compare_digest(sha256(key.secret.encode()).digest(), digest):
            found = key
    return Program(role=found.role, name=found.name) if found else None


async def _made(sessions: Sessions, given: str, *, clock: Clock) -> Program | None:
    if not given.startswith(KEY_PREFIX) or not given.isascii():
        return None
    now = await clock.now()
    async with sessions() as session:
        key = await live_key(session, hash_of(given), now=now)
        if key is None:
            return None
        program = Program(role=key.role, name=key.name, scopes=frozenset(KeyScope(scope) for scope in key.scopes))
        if key.last_used_at is None or now - key.last_used_at >= NOTE_KEY_USE_EVERY:
            await mark_key_used(session, key.id, every=NOTE_KEY_USE_EVERY, at=now)
            await session.commit()
    return program


async def tell_of_odd_keys(
    sessions: Sessions, *, settings: ApiSettings, clock: Clock, try_again: float = _TRY_AGAIN
) -> None:
    """For the log at the start: keys that are refused, and keys in the settings that have another program's name. The
    database may not be there yet: it is tried every ``try_again`` seconds until it is."""
    while True:
        try:
            async with sessions() as session:
                refused = await _refused_admins(session, settings, now=await clock.now())
                taken = await names_taken(session, [key.name for key in settings.service_keys])
        except (SQLAlchemyError, OSError):
            await asyncio.sleep(try_again)
        else:
            return _tell(refused, taken)


def _tell(refused: list[str], taken: list[str]) -> None:
    if refused:
        log.warning("keys with the role admin are refused, since an admin has an account; remove them", keys=refused)
    if taken:
        log.warning("keys in API_KEYS have the names of others, from whom timelines cannot tell them", keys=taken)


async def _refused_admins(session: AsyncSession, settings: ApiSettings, *, now: datetime) -> list[str]:
    if not settings.admins_are_persons or not await an_admin_has_an_account(session):
        return []
    given = [key.name for key in settings.service_keys if key.role is Role.ADMIN]
    return given + [key.name for key in await keys_of_role(session, Role.ADMIN, now=now)]
