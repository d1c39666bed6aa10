"""Programs' keys from the command line, as ``/v1/keys`` has them: ``python -m ops.keys make|list|rotate|revoke``.

``make <name> <role> [--scope SCOPE ...] [--expires TIME]`` and ``rotate <name> [--at-once]`` print the key, once.
``list`` never shows one. ``revoke <name>`` ends it now.
"""

import argparse
import asyncio
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from api.accounts.tokens import hash_of, new_key
from config import Settings, settings_or_exit
from engine.clock import clock_for
from engine.ending import end
from models import database
from models.database import Sessions
from models.paging import MOST, Page
from models.reads.accounts.keys import an_admin_has_an_account, is_live, list_keys
from models.tables.accounts.program_key import ProgramKey
from models.writes.accounts.keys import ActorNameTaken, lock_key, make_key, revoke_key, rotate_key
from ops.acts import note
from ops.leaving import exit_code
from rules.accounts.accesses import AccessEvent
from rules.accounts.limits import KEY_OVERLAP
from rules.accounts.programs import KEY_ROLES, KeyScope, wrong_with_key
from rules.enums import Role

_BY = "ops.keys"
_NAME = r"[a-z0-9]+(-[a-z0-9]+)*"


class Wrong(Exception):
    """What was asked for cannot be; with the sentence that says why."""


async def make(
    sessions: Sessions,
    name: str,
    role: Role,
    *,
    scopes: Sequence[KeyScope] = (),
    expires_at: datetime | None = None,
    names: tuple[str, ...],
    admins_are_persons: bool = False,
    at: datetime,
) -> str:
    """The new key. ``names``: of the keys in the settings. ``admins_are_persons``: as in production, where a key with
    this role is refused at its use once somebody has an account as an admin. Raises Wrong."""
    for field, what in wrong_with_key(role, scopes):
        raise Wrong(f"{field} {what}.")
    if expires_at is not None and expires_at <= at:
        raise Wrong("It would have expired already.")
    key = new_key()
    async with sessions() as session:
        if admins_are_persons and role is Role.ADMIN and await an_admin_has_an_account(session):
            raise Wrong("Admins are persons here: a key with the role admin would be refused. Invite somebody instead.")
        try:
            await make_key(
                session,
                id=uuid4(),
                name=name,
                role=role,
                scopes=scopes,
                expires_at=expires_at,
                key_hash=hash_of(key),
                by=_BY,
                of_settings=names,
                at=at,
            )
        except ActorNameTaken:
            raise Wrong(f"Somebody, or some program, has or had the name {name}.") from None
        await note(session, _BY, (AccessEvent.KEY_MADE, name), at=at)
        await session.commit()
    return key


async def rotate(sessions: Sessions, name: str, *, at_once: bool, at: datetime) -> str:
    """The new key; the former one is good for a day more, unless ``at_once``. Raises Wrong."""
    key, overlap = new_key(), timedelta() if at_once else KEY_OVERLAP
    async with sessions() as session:
        row = await lock_key(session, name)
        if row is None or not is_live(row, now=at):
            raise Wrong(f"There is no key {name} that is good.")
        await rotate_key(session, row, hash_of(key), rotation_id=uuid4(), overlap=overlap, at=at)
        await note(session, _BY, (AccessEvent.KEY_ROTATED, name), at=at)
        await session.commit()
    return key


async def revoke(sessions: Sessions, name: str, *, at: datetime) -> None:
    """Raises Wrong."""
    async with sessions() as session:
        row = await lock_key(session, name)
        if row is None:
            raise Wrong(f"There is no key {name} that could be revoked.")
        await revoke_key(session, row, at=at)
        await note(session, _BY, (AccessEvent.KEY_REVOKED, name), at=at)
        await session.commit()


async def lines(sessions: Sessions, *, at: datetime) -> list[str]:
    """One for each key, the newest first."""
    found: list[ProgramKey] = []
    page = Page(limit=MOST)
    async with sessions() as session:
        while True:
            rows = await list_keys(session, page=page)
            found += rows[:MOST]
            if len(rows) <= MOST:
                return [", ".join(_said_of(key, at=at)) for key in found]
            page = Page(limit=MOST, after=(found[-1].made_at, found[-1].id))


def _said_of(key: ProgramKey, *, at: datetime) -> Iterator[str]:
    yield f"{key.name}: {key.role}" + (f" ({' '.join(key.scopes)})" if key.scopes else "")
    if not is_live(key, now=at):
        yield "ended"
    elif key.expires_at is not None:
        yield f"expires {key.expires_at.isoformat()}"
    yield f"last used {key.last_used_at.isoformat()}" if key.last_used_at else "never used"
    yield f"made by {key.made_by} {key.made_at.isoformat()}"


async def _main(settings: Settings, said: argparse.Namespace) -> int:
    pool = database.connect(settings.database)
    sessions = database.session_factory(pool, chain=settings.chain_keys)
    try:
        at = await clock_for(settings.time_travel_address).now()
        print(await _answer(sessions, settings, said, at=at))
    except Wrong as wrong:
        print(wrong, file=sys.stderr)
        return 1
    finally:
        await pool.dispose()
    return 0


async def _answer(sessions: Sessions, settings: Settings, said: Any, *, at: datetime) -> str:
    match said.what:
        case "make":
            names = tuple(key.name for key in settings.api_keys)
            scopes, expires_at = said.scope or (), said.expires
            return await make(
                sessions,
                said.name,
                said.role,
                scopes=scopes,
                expires_at=expires_at,
                names=names,
                admins_are_persons=settings.production,
                at=at,
            )
        case "rotate":
            return await rotate(sessions, said.name, at_once=said.at_once, at=at)
        case "revoke":
            await revoke(sessions, said.name, at=at)
            return f"{said.name} has ended."
        case _:
            return "\n".join(await lines(sessions, at=at)) or "There is no key but those in API_KEYS."


def _name(text: str) -> str:
    if not re.fullmatch(_NAME, text) or len(text) > 80:
        raise argparse.ArgumentTypeError("a name has small letters and digits, and hyphens between them")
    return text


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("it is not a time such as 2027-01-31T00:00:00Z") from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.keys", description="Programs' keys.")
    calls = parser.add_subparsers(dest="what", required=True)
    making = calls.add_parser("make", help="make a key, and print it")
    making.add_argument("name", type=_name)
    making.add_argument("role", type=Role, choices=KEY_ROLES)
    making.add_argument("--scope", type=KeyScope, choices=list(KeyScope), action="append", help="narrow the role")
    making.add_argument("--expires", type=_instant, metavar="TIME", help="until when it is good")
    calls.add_parser("list", help="what keys there are")
    rotating = calls.add_parser("rotate", help="make another key for a program, and print it")
    rotating.add_argument("name", type=_name)
    rotating.add_argument("--at-once", action="store_true", help="the former one ends now, rather than in a day")
    calls.add_parser("revoke", help="end a key now").add_argument("name", type=_name)
    return parser


if __name__ == "__main__":
    asked = _parser().parse_args()
    end(exit_code(lambda: asyncio.run(_main(settings_or_exit(), asked))))
