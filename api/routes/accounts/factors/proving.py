"""What every change of one's own second factors asks for: the password, and a factor as soon as there is one.

Whoever has found a browser open, or stolen a token, gets nowhere by it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from api.accounts.factors.challenges import Challenged
from api.accounts.factors.codes import admit_code, hashes_of, new_recovery_codes, restore_code, use_proof
from api.accounts.factors.credentials import FactorShown
from api.accounts.factors.showing import Showing
from api.deps import Services, SignedInAs
from api.problems import refuse, wrong_fields
from api.routes.accounts.passwords import locked
from models.reads.accounts.second_factors import factors_in_force
from models.tables.accounts.account import Account
from models.writes.accounts.second_factors import replace_recovery_codes
from rules.accounts.passkeys import ChallengePurpose, NoPasskeysThere
from rules.refusals import Problem

_NO_FIT = "does not fit, or was used before"


class RecoveryCodes(BaseModel):
    """Shown once: each stands in for a code of the app, or for a passkey, once."""

    recovery_codes: list[str]


@asynccontextmanager
async def by_factor(
    services: Services, person: SignedInAs, shown: FactorShown, showing: Showing
) -> AsyncIterator[tuple[AsyncSession, Account]]:
    """A transaction with the account locked, once a factor has been shown where there is one in force; the caller
    commits. Raises Refused."""
    tried = None
    if shown.shows_factor:
        tried = await admit_code(services.sessions, person.account.id, shown="a sign-in", now=showing.now)
    whom = Challenged.of(person.account, ChallengePurpose.CHANGE)
    proof = await services.passkeys.proof(shown, whom, showing=showing)
    fits = False
    try:
        async with services.sessions() as session:
            account = await locked(session, person)
            if await factors_in_force(session, account.id):
                field = "passkey" if shown.passkey is not None else "code"
                if not proof.given:
                    raise wrong_fields([(field, "is required, or a passkey: there is a second factor already")])
                if await use_proof(session, account, proof, showing=showing) is None:
                    raise wrong_fields([(field, _NO_FIT)])
            fits = True
            yield session, account
    finally:  # one that fits was not wrong, whatever else is refused
        if tried is not None and fits:
            await restore_code(services.sessions, tried, now=showing.now)


def must_have_passkeys(services: Services, person: SignedInAs, *, field: str | None = None) -> None:
    """Raises Refused where browsers know none for the pages of this side."""
    try:
        services.passkeys.party(person.account.side)
    except NoPasskeysThere as error:
        if field is not None:
            raise wrong_fields([(field, f"passkeys are not to be had here. {error}")]) from error
        raise refuse(Problem.NOT_ALLOWED, str(error)) from error


async def new_codes(session: AsyncSession, account: Account, showing: Showing) -> tuple[str, ...]:
    codes = new_recovery_codes()
    await replace_recovery_codes(session, account, hashes_of(account.id, codes), at=showing.now)
    return codes
