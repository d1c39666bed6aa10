"""Challenges for passkeys: made for one purpose, and for one account where it is known; good for minutes, and once.

They are kept in the database, since whoever is asked by one server may answer another.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession
from webauthn.helpers import base64url_to_bytes

from api.accounts.factors.credentials import AuthenticationResponseJSON, FactorShown, RegistrationResponseJSON
from api.accounts.factors.mails import warn_of_copy
from api.accounts.factors.passkeys import (
    KeptPasskey,
    NoFit,
    Options,
    Registered,
    Signed,
    challenge_in,
    creation_options,
    registered,
    request_options,
    signed,
)
from api.accounts.factors.showing import NOTHING, Proof, Showing, ShownPasskey
from api.accounts.practice_mails import have_delivered
from api.engine import JourneyEngine
from api.problems import Refused, refuse
from api.settings import ApiSettings
from models.database import Sessions
from models.reads.accounts.second_factors import passkey_with, passkeys_of
from models.tables.accounts.account import Account
from models.tables.accounts.passkey_challenge import PasskeyChallenge
from models.tables.accounts.second_factor import SecondFactor
from models.writes.accounts.budgets import use
from models.writes.accounts.challenges import keep_challenge, take_challenge
from rules.accounts.budgets import BudgetKind, CountedFor, shared_budgets
from rules.accounts.limits import SIGN_INS_WITHIN
from rules.accounts.passkeys import (
    CHALLENGE_BYTES,
    CHALLENGE_TTL,
    CHALLENGES_OF_VISITOR,
    ChallengePurpose,
    NoPasskeysThere,
    RelyingParty,
    credential_hash,
    relying_party,
    went_back,
)
from rules.accounts.second_factors import CodeKind
from rules.accounts.sides import AccountSide
from rules.refusals import Problem

log = structlog.get_logger(__name__)
_LONGEST_REASON = 200


@dataclass(frozen=True, kw_only=True)
class Challenged:
    """Who is asked, and for what. ``account`` is None where only the answer will say whose it is; ``factor_id`` is of a
    passkey that is being set up."""

    purpose: ChallengePurpose
    side: AccountSide
    account_id: UUID | None = None
    factor_id: UUID | None = None

    @classmethod
    def of(cls, account: Account, purpose: ChallengePurpose, *, factor_id: UUID | None = None) -> "Challenged":
        return cls(purpose=purpose, side=account.side, account_id=account.id, factor_id=factor_id)


@dataclass(frozen=True, kw_only=True)
class Passkeys:
    """What requests ask of passkeys, and what they learn of the answers."""

    sessions: Sessions
    settings: ApiSettings
    engine: JourneyEngine

    def party(self, side: AccountSide) -> RelyingParty:
        """Raises NoPasskeysThere."""
        return relying_party(self.settings.staff_url if side is AccountSide.STAFF else self.settings.public_url)

    # ------------------------------------------------------------ asked

    async def ask(self, whom: Challenged, by: CountedFor, *, showing: Showing) -> Options:
        """What a browser is to be asked with. Raises NoPasskeysThere, and Refused for whoever asks too often."""
        party = self.party(whom.side)
        challenge = await self._new_challenge(whom, by, showing=showing)
        async with self.sessions() as session:
            known = await _known(session, whom.account_id) if whom.account_id is not None else ()
        return request_options(party, challenge, known=known)

    async def offered(self, refused: Refused, whom: Challenged, by: CountedFor, *, showing: Showing) -> Refused:
        """The same refusal; where a passkey can be shown, it tells with what a browser is to be asked for one. It does
        not tell whoever asks too often, and is no other refusal by that: a code is taken still."""
        refusal = refused.refusal
        if CodeKind.PASSKEY not in refusal.data.get("factors", ()):
            return refused
        try:
            options = await self.ask(whom, by, showing=showing)
        except (NoPasskeysThere, Refused):
            return refused
        return Refused(replace(refusal, data={**refusal.data, "passkey_options": options}))

    async def ask_for_new(
        self, account: Account, factor_id: UUID, by: CountedFor, *, address: str, showing: Showing
    ) -> Options:
        """What a browser is to make a passkey with. Raises as `ask` does."""
        party = self.party(account.side)
        whom = Challenged.of(account, ChallengePurpose.REGISTRATION, factor_id=factor_id)
        challenge = await self._new_challenge(whom, by, showing=showing)
        async with self.sessions() as session:
            known = await _known(session, account.id)
        practice = self.settings.letterhead.name
        return creation_options(
            party, challenge, practice=practice, account_id=account.id, address=address, known=known
        )

    async def _new_challenge(self, whom: Challenged, by: CountedFor, *, showing: Showing) -> bytes:
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        row = PasskeyChallenge(
            hash=_hash(challenge),
            purpose=whom.purpose,
            side=whom.side,
            account_id=whom.account_id,
            factor_id=whom.factor_id,
            expires_at=showing.real + CHALLENGE_TTL,
        )
        kind = BudgetKind.CHALLENGES_OF_VISITOR
        asked = shared_budgets(kind, by, most=CHALLENGES_OF_VISITOR, within=SIGN_INS_WITHIN)
        async with self.sessions() as session:
            free_at = await use(session, *asked, at=showing.now)
            if free_at is None:
                await keep_challenge(session, row, real=showing.real)
            await session.commit()
        if free_at is not None:
            raise refuse(
                Problem.RATE_LIMITED,
                "Passkeys were asked for too often. Please wait.",
                retry_after=max(1, round((free_at - showing.now).total_seconds())),
            )
        return challenge

    # ------------------------------------------------------------ answered

    async def proof(self, shown: FactorShown, whom: Challenged, *, showing: Showing) -> Proof:
        """What was shown beside something else; the challenge of a passkey is used up by this, whatever comes of it."""
        if shown.passkey is not None:
            return Proof(passkey=await self.look_at(shown.passkey, whom, showing=showing))
        return Proof(code=shown.code) if shown.code is not None else NOTHING

    async def look_at(
        self, credential: AuthenticationResponseJSON, whom: Challenged, *, showing: Showing
    ) -> ShownPasskey | None:
        """None where it does not fit, for whatever reason: whoever asks is told no more. Whose counter went back is
        mailed that somebody may have a copy."""
        try:
            factor, account, made = await self._looked_at(credential, whom, showing=showing)
        except (NoFit, NoPasskeysThere) as error:
            log.info("a passkey does not fit", purpose=whom.purpose.value, why=str(error)[:_LONGEST_REASON])
            return None
        if went_back(known=factor.sign_count or 0, said=made.sign_count):
            log.warning("the counter of a passkey went back", factor=str(factor.id))
            if await warn_of_copy(self.sessions, account, request_id=showing.request_id, now=showing.now):
                await have_delivered(self.engine)
            return None
        return ShownPasskey(
            factor_id=factor.id, account_id=account.id, sign_count=made.sign_count, backed_up=made.backed_up
        )

    async def _looked_at(
        self, credential: AuthenticationResponseJSON, whom: Challenged, *, showing: Showing
    ) -> tuple[SecondFactor, Account, Signed]:
        """Whose passkey has signed. Raises NoFit and NoPasskeysThere."""
        party = self.party(whom.side)
        challenge = await self._answered(credential, whom, showing=showing)
        async with self.sessions() as session:
            found = await passkey_with(session, credential_hash(base64url_to_bytes(credential.rawId)))
            kept = KeptPasskey.of(found[0]) if found is not None else None
        if found is None or kept is None:
            raise NoFit("no such passkey is in force")
        factor, account = found
        if account.side is not whom.side or account.id != (whom.account_id or account.id):
            raise NoFit("it is another account's")
        made = signed(credential, party, kept, challenge=challenge, alone=whom.account_id is None)
        return factor, account, made

    async def look_at_new(
        self, credential: RegistrationResponseJSON, account: Account, factor_id: UUID, *, showing: Showing
    ) -> Registered | None:
        """None where it does not fit."""
        whom = Challenged.of(account, ChallengePurpose.REGISTRATION, factor_id=factor_id)
        try:
            party = self.party(account.side)
            challenge = await self._answered(credential, whom, showing=showing)
            return registered(credential, party, challenge=challenge, account_id=account.id)
        except (NoFit, NoPasskeysThere) as error:
            log.info("a new passkey does not fit", why=str(error)[:_LONGEST_REASON])
            return None

    async def _answered(
        self, credential: RegistrationResponseJSON | AuthenticationResponseJSON, whom: Challenged, *, showing: Showing
    ) -> bytes:
        """The challenge, which is used up. Raises NoFit."""
        challenge = challenge_in(credential)
        async with self.sessions() as session:
            taken = await take_challenge(
                session,
                _hash(challenge),
                whom.purpose,
                side=whom.side,
                account_id=whom.account_id,
                factor_id=whom.factor_id,
                real=showing.real,
            )
            await session.commit()
        if not taken:
            raise NoFit("its challenge is spent, late, or of something else")
        return challenge


async def _known(session: AsyncSession, account_id: UUID) -> Sequence[KeptPasskey]:
    kept = [KeptPasskey.of(factor) for factor in await passkeys_of(session, account_id)]
    return [each for each in kept if each is not None]


def _hash(challenge: bytes) -> str:
    return sha256(challenge).hexdigest()
