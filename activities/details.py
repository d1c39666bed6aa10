"""Personal details: writing them down, and noticing an address that somebody has already."""

import re
from datetime import datetime
from uuid import uuid5

from sqlmodel import col, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.types.clients import ClientDetails
from models.reads.accounts.accounts import account_of_client
from models.reads.accounts.email_changes import confirmed_change
from models.reads.clients.clients import visible_client
from models.tables.accounts.account import Account
from models.tables.accounts.email_change import EmailChange
from models.tables.accounts.token import Token, TokenKind
from models.tables.clients.client import Client
from models.writes.accounts.email_changes import apply_change, move_address
from models.writes.timeline import tell
from rules.accounts.caller import Caller, fold_email
from rules.booking.availability import find_zone
from rules.enums import ClientStatus
from rules.refusals import Problem, Refusal, invalid
from rules.timeline import FactKind

_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")  # the API looks closer; this is for what comes another way


async def owner_of_address(session: AsyncSession, email: str, *, other_than: Client) -> Client | None:
    """The activated or staff-made client with this address, if there is another: at most one has it."""
    statement = select(Client).where(
        col(Client.email_folded) == fold_email(email),
        or_(col(Client.account_active).is_(True), col(Client.made_by_staff).is_(True)),
        col(Client.id) != other_than.id,
    )
    return (await session.exec(statement)).first()


async def email_in_use(session: AsyncSession, owner: Client, *, by: Caller) -> Refusal:
    """For the practice only: the exact sentence, and who it is, as far as the caller may see them; of an archived one
    the call that makes them active again."""
    seen = await visible_client(session, by, owner.id)
    told: dict[str, str] = {}
    if seen is not None:
        told = {
            "client_id": str(seen.id),
            "ref": seen.ref,
            "name": seen.full_name,
            "client_status": seen.status.value,
        }
        if seen.status is ClientStatus.ARCHIVED:
            told["activate"] = f"POST /v1/clients/{seen.id}/unarchive"
    return Refusal(name=Problem.EMAIL_IN_USE, detail="Email in use.", data=told)


async def write_details(
    session: AsyncSession, client: Client, details: ClientDetails, *, by: Caller, reason: str, at: datetime
) -> Refusal | None:
    """Write what was said, and record which details changed (never their content).

    The practice is told of an address in use. Anybody else gets the ordinary answer, and the same work is done,
    whatever is known: a public form never tells. What follows from a known address is looked at afterwards. People
    sign in by their address, so that of an account is changed by the practice, of which the former one is told, or once
    it was confirmed by a mail. ``reason``: the request's id.
    """
    said = {name: value for name, value in vars(details).items() if value is not None}
    if "time_zone" in said and find_zone(said["time_zone"]) is None:
        return invalid("time_zone", "must be an IANA time zone such as America/New_York")
    if "email" in said and not _ADDRESS.fullmatch(said["email"]):
        return invalid("email", "must be an e-mail address")
    signs_in = client.account_active and not by.is_practice and "email" in said
    confirmed = await confirmed_change(session, client.id, fold_email(said["email"])) if signs_in else None
    if signs_in and confirmed is None and fold_email(said["email"]) == client.email_folded:
        del said["email"]  # another spelling of the same address, which might be another mailbox
    changed = sorted(name for name, value in said.items() if getattr(client, name) != value)
    if "email" in changed:
        refusal = await _write_address(session, client, said["email"], confirmed, by=by, reason=reason, at=at)
        if refusal is not None:
            return refusal
    for name in changed:
        setattr(client, name, said[name])
    session.add(client)
    if changed:
        tell(
            session,
            client,
            FactKind.DETAILS_CHANGED,
            at=at,
            by=by.actor,
            text="Personal details were given: " + ", ".join(name.replace("_", " ") for name in changed) + ".",
            data={"fields": changed},
        )
    return None


async def _move_account(session: AsyncSession, client: Client, email: str, *, reason: str, at: datetime) -> None:
    """By the practice, which a client may have asked on the telephone: it is told where they would see if not."""
    account = await account_of_client(session, client.id)
    if account is not None:
        id = uuid5(account.id, f"moved:{reason}")
        await move_address(session, account, id=id, email=email, former=client.email, at=at)


async def _write_address(
    session: AsyncSession,
    client: Client,
    email: str,
    confirmed: EmailChange | None,
    *,
    by: Caller,
    reason: str,
    at: datetime,
) -> Refusal | None:
    """Fold the new address, unless it may not be theirs. A link mailed before proves another address: it ends."""
    folded = fold_email(email)
    if client.account_active and not by.is_practice and confirmed is None:
        return invalid("email", "is changed by a link that is mailed to the new address")
    owner = await owner_of_address(session, email, other_than=client)
    if owner is not None and by.is_practice:
        return await email_in_use(session, owner, by=by)
    if owner is not None and confirmed is not None:
        return Refusal(name=Problem.LINK_INVALID, detail="This address belongs to another account.")
    if confirmed is not None:
        account = await session.get_one(Account, confirmed.account_id)
        await apply_change(session, account, confirmed, former=client.email, at=at)
    elif client.account_active:
        await _move_account(session, client, email, reason=reason, at=at)
    client.email_folded = folded
    client.reachable_since = client.reachable_since or at
    if owner is not None:
        client.made_by_staff = False  # what staff entered is theirs alone; this is what anybody could have said
    mailed = col(Token.kind).in_((TokenKind.ACTIVATION, TokenKind.JOIN, TokenKind.RESET))
    of_account = select(Account.id).where(col(Account.client_id) == client.id).scalar_subquery()
    theirs = or_(col(Token.client_id) == client.id, col(Token.account_id) == of_account)
    links = (theirs, mailed, col(Token.used_at).is_(None))
    await session.exec(update(Token).where(*links).values(revoked_at=at))
    return None
