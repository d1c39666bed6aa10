"""Make the first admin: ``python -m ops.invite <email>`` prints a link, by which whoever has it chooses a password.

With ``--therapist <slug>`` they are a practice of one: admin, care team, and the therapist with that profile. Who has
an account already keeps it, and has these roles at once: so somebody can sign in, make their own profile, and take it.

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
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.practice import Links
from api.accounts.tokens import hash_of, new_token
from config import Settings, settings_or_exit
from engine.clock import clock_for
from engine.ending import end
from models import database
from models.database import Sessions
from models.reads.accounts.staff import account_of_therapist, standing_of
from models.reads.booking.therapists import therapist_by_slug
from models.tables.accounts.account import Account
from models.tables.accounts.token import Token, TokenKind
from models.tables.booking.therapist import Therapist
from models.writes.accounts.profiles import tell_therapist
from models.writes.accounts.staff import change_roles, end_invitation_links, invite
from ops.acts import note
from ops.leaving import exit_code
from rules.accounts.accesses import AccessEvent
from rules.accounts.caller import fold_email
from rules.accounts.staff import ROLES, acts_between
from rules.enums import Role
from rules.policy import JourneyPolicy

_BY = "ops.invite"


class NoProfile(Exception):
    """There is no therapist with this slug, or somebody has the profile."""


class HasAccount(Exception):
    """Somebody of the practice signs in with this address already."""


async def invite_admin(
    sessions: Sessions,
    email: str,
    *,
    names: tuple[str, ...],
    policy: JourneyPolicy,
    at: datetime,
    therapist: str | None = None,
) -> str | None:
    """The token of an invitation as admin; with the slug of a ``therapist``, in every role. ``names``: of programs,
    which nobody may be taken for. None for somebody who has an account, and with it every role from now on. Raises
    HasAccount for one who was to be no more than admin, and NoProfile."""
    token = new_token()
    async with sessions() as session:
        same = (col(Account.email_folded) == fold_email(email), col(Account.deactivated_at).is_(None))
        account = (await session.exec(select(Account).where(*same).with_for_update())).first()
        if account is not None and account.activated_at is not None and therapist is None:
            raise HasAccount
        profile = await _profile(session, therapist, account) if therapist else None
        if profile is not None and (account is None or account.therapist_id != profile.id):
            await tell_therapist(session, profile, reason=str(uuid4()), at=at, but=email)
        if account is None:
            account = await invite(
                session,
                id=uuid4(),
                email=email,
                name=email.partition("@")[0],
                roles=[Role.ADMIN],
                therapist_id=None,
                by=_BY,
                of_settings=names,
                at=at,
            )
        former = await standing_of(session, account)
        roles = (*account.roles, Role.ADMIN) if profile is None else ROLES
        profile_id = profile.id if profile is not None else account.therapist_id
        await change_roles(session, account, [Role(role) for role in roles], therapist_id=profile_id, at=at)
        handle, waits = account.handle or str(account.id), account.activated_at is None
        invited = [(AccessEvent.INVITED, handle)] if waits else []
        changes = acts_between(handle, former, await standing_of(session, account))
        await note(session, _BY, *invited, *changes, at=at)
        if not waits:
            await session.commit()
            return None
        account.invited_at = at
        await end_invitation_links(session, account, at=at)
        expires_at = at + policy.activation_link_ttl
        kind = TokenKind.INVITATION
        session.add(Token(hash=hash_of(token), kind=kind, account_id=account.id, made_at=at, expires_at=expires_at))
        await session.commit()
    return token


async def _profile(session: AsyncSession, slug: str, account: Account | None) -> Therapist:
    found = await therapist_by_slug(session, slug)
    owner = await account_of_therapist(session, found.id) if found else None
    if found is None or (owner is not None and owner is not account):
        raise NoProfile
    return found


async def _main(settings: Settings, email: str, therapist: str | None) -> int:
    pool = database.connect(settings.database)
    try:
        token = await invite_admin(
            database.session_factory(pool, chain=settings.chain_keys),
            email,
            names=tuple(key.name for key in settings.api_keys),
            policy=settings.policy,
            at=await clock_for(settings.time_travel_address).now(),
            therapist=therapist,
        )
    except HasAccount:
        print(f"{email} has an account already. An admin can change its roles.", file=sys.stderr)
        return 1
    except NoProfile:
        print(f"There is no therapist {therapist}, or somebody has this profile already.", file=sys.stderr)
        return 1
    finally:
        await pool.dispose()
    if token is None:
        print(f"{email} is admin, care team and the therapist {therapist} from now on, by the account that there is.")
        return 0
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
    asked.add_argument("--therapist", metavar="SLUG", help="they are the care team and this therapist, too")
    said = asked.parse_args()
    end(exit_code(lambda: asyncio.run(_main(settings_or_exit(), said.email, said.therapist))))
