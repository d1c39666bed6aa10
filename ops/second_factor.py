"""Take somebody's second factors away: ``python -m ops.second_factor <email>``, for whoever has lost apps, passkeys and
codes.

A colleague's are taken away by an admin (``DELETE /v1/staff/{id}/second-factors``), a client's by the care team. This
is for the only admin, whom nobody could help otherwise. Make sure who asks. Every sign-in of theirs ends, and they are
mailed; then they sign in with their password, and set up another one.
"""

import argparse
import asyncio
import sys
from datetime import datetime
from uuid import uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from api.accounts.factors.mails import mail_change
from config import Settings, settings_or_exit
from engine.clock import clock_for
from engine.ending import end
from models import database
from models.database import Sessions
from models.reads.accounts.accounts import account_with_address
from models.tables.accounts.account import Account
from models.writes.accounts.locks import lock_staff
from models.writes.accounts.second_factors import take_away
from ops.acts import note
from ops.leaving import exit_code
from rules.accounts.accesses import AccessEvent
from rules.accounts.caller import fold_email
from rules.accounts.second_factors import FactorChange
from rules.accounts.sides import AccountSide

_BY = "ops.second_factor"


class NoAccount(Exception):
    """Nobody of the practice signs in with this address."""


async def take_from(sessions: Sessions, email: str, *, at: datetime) -> bool:
    """False if there was none. Raises NoAccount."""
    async with sessions() as session:
        account = await _account(session, email)
        taken = await take_away(session, account, by=_BY, at=at)
        if taken:
            act = (AccessEvent.SECOND_FACTOR_TAKEN, account.handle or str(account.id))
            await note(session, _BY, act, at=at)
            await mail_change(session, account, FactorChange.TAKEN_AWAY, reason=str(uuid4()), at=at)
        await session.commit()
    return taken


async def _account(session: AsyncSession, email: str) -> Account:
    found = await account_with_address(session, fold_email(email), AccountSide.STAFF)
    account = await lock_staff(session, found.id) if found is not None else None
    if account is None:
        raise NoAccount
    return account


async def _main(settings: Settings, email: str) -> int:
    pool = database.connect(settings.database)
    try:
        at = await clock_for(settings.time_travel_address).now()
        sessions = database.session_factory(pool, chain=settings.chain_keys)
        taken = await take_from(sessions, email, at=at)
    except NoAccount:
        print(f"Nobody of the practice signs in with {email}.", file=sys.stderr)
        return 1
    finally:
        await pool.dispose()
    print(
        f"{email} signs in with the password alone now, everywhere anew."
        if taken
        else f"{email} has no second factor; nothing was changed."
    )
    return 0


if __name__ == "__main__":
    asked = argparse.ArgumentParser(prog="python -m ops.second_factor", description="Take second factors away.")
    asked.add_argument("email")
    said = asked.parse_args()
    end(exit_code(lambda: asyncio.run(_main(settings_or_exit(), said.email))))
