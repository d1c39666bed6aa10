"""Make the first admin: ``python -m ops.invite <email>`` prints a link, by which whoever has it chooses a password.

It works once, for as long as an invitation does. Said again for the same address, before it was used, it prints another
one, and the first ends. Everybody else is invited by an admin (``POST /v1/staff``).
"""

import argparse
import asyncio
import sys
from datetime import datetime
from uuid import uuid4

from email_validator import EmailNotValidError, validate_email
from sqlmodel import col, select

from activities.practice import Links
from api.accounts.tokens import hash_of, new_token
from config import Settings, settings_or_exit
from engine.clock import clock_for
from models import database
from models.database import Sessions
from models.tables.accounts.account import Account
from models.tables.accounts.token import Token, TokenKind
from models.writes.accounts.staff import end_invitation_links, invite
from rules.accounts.caller import fold_email
from rules.enums import Role
from rules.policy import JourneyPolicy


class HasAccount(Exception):
    """Somebody of the practice signs in with this address already."""


async def invite_admin(
    sessions: Sessions, email: str, *, names: tuple[str, ...], policy: JourneyPolicy, at: datetime
) -> str:
    """The token of an invitation as admin. ``names``: of programs, which nobody may be taken for. Raises HasAccount."""
    token = new_token()
    async with sessions() as session:
        same = (col(Account.email_folded) == fold_email(email), col(Account.deactivated_at).is_(None))
        account = (await session.exec(select(Account).where(*same).with_for_update())).first()
        if account is not None and account.activated_at is not None:
            raise HasAccount
        if account is None:
            account = await invite(
                session,
                id=uuid4(),
                email=email,
                name=email.partition("@")[0],
                roles=[Role.ADMIN],
                therapist_id=None,
                by="ops.invite",
                not_handles=names,
                at=at,
            )
        account.invited_at, account.roles = at, sorted({*account.roles, Role.ADMIN.value})
        session.add(account)
        await end_invitation_links(session, account, at=at)
        expires_at = at + policy.activation_link_ttl
        kind = TokenKind.INVITATION
        session.add(Token(hash=hash_of(token), kind=kind, account_id=account.id, made_at=at, expires_at=expires_at))
        await session.commit()
    return token


async def _main(settings: Settings, email: str) -> int:
    pool = database.connect(settings.database)
    try:
        token = await invite_admin(
            database.session_factory(pool),
            email,
            names=tuple(key.name for key in settings.api_keys),
            policy=settings.policy,
            at=await clock_for(settings.time_travel_address).now(),
        )
    except HasAccount:
        print(f"{email} has an account already. An admin can change its roles.", file=sys.stderr)
        return 1
    finally:
        await pool.dispose()
    links = Links(public_url=settings.site_url, staff_url=settings.staff_site_url)
    print(f"{email} chooses a password here, once:\n{links.invitation(token)}")
    return 0


def _address(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False, globally_deliverable=False).normalized
    except EmailNotValidError as error:
        raise argparse.ArgumentTypeError("it is not an e-mail address") from error


if __name__ == "__main__":
    asked = argparse.ArgumentParser(prog="python -m ops.invite", description="Make the first admin.")
    asked.add_argument("email", type=_address)
    sys.exit(asyncio.run(_main(settings_or_exit(), asked.parse_args().email)))
