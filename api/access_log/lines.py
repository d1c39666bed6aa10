"""Writing lines of the access log. Whoever records an event of their own calls `record`."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict, Unpack
from uuid import UUID

from fastapi import Request

from api.accounts.callers import Asker
from api.accounts.visitors import visitor_of
from api.deps import Services, asker_of, services_of
from api.request_ids import request_id_of
from models.database import chain_keys
from models.tables.accounts.account import Account
from models.writes.accounts.accesses import write_accesses
from rules.accounts.accesses import Access, AccessEvent, AccessKind, digests_of_address
from rules.accounts.caller import Caller
from rules.enums import Role

_NOBODY = "anyone"  # the Temporal UI of one machine has no token to show


class Said(TypedDict, total=False):
    """What a line says beside the request. Whoever asks is who looked, in the role of ``caller``, unless ``account``
    or ``who`` says somebody else. ``about``: the person or program that an act is on."""

    kind: AccessKind | None
    whose: Iterable[UUID]
    caller: Caller | None
    account: Account | None
    who: str | None
    about: str | None
    of_archive: bool


async def record(request: Request, event: AccessEvent, **said: Unpack[Said]) -> None:
    """Write one line, at once, in a transaction of its own. Raises what the database raises: what cannot be recorded
    does not happen."""
    services, asker = services_of(request), await asker_of(request)
    await write(services, [access_of(request, asker, event, at=await services.clock.now(), **said)])


async def record_failed_sign_in(request: Request, where: str) -> None:
    """The address, with its side, as a digest, which nobody can try out."""
    async with services_of(request).sessions() as session:
        who = digests_of_address(chain_keys(session), where)[0]
    await record(request, AccessEvent.FAILED_SIGN_IN, who=who)


def access_of(
    request: Request, asker: Asker | None, event: AccessEvent, *, at: datetime, **said: Unpack[Said]
) -> Access:
    """A line about this request."""
    visitor = visitor_of(request, asker, services_of(request).cipher)
    caller, account = said.get("caller"), said.get("account")
    if account is None and asker is not None:
        account, caller = asker.account, caller or asker.callers[0]
    return Access(
        at=at,
        event=event,
        who=said.get("who") or _name(caller, account),
        role=_role(caller, account),
        account_id=str(account.id) if account is not None else None,
        about=said.get("about"),
        token_by=asker.token_by if asker is not None else None,
        kind=said.get("kind"),
        whose=tuple(sorted(str(id) for id in said.get("whose", ()))),
        visitor=visitor.mark,
        network=visitor.network,
        request_id=request_id_of(request.scope),
        of_archive=said.get("of_archive", False),
    )


async def write(services: Services, accesses: list[Access]) -> None:
    if accesses:
        async with services.sessions() as session:
            await write_accesses(session, accesses)
            await session.commit()


def _name(caller: Caller | None, account: Account | None) -> str:
    """The same for one person, whatever the role in which they ask."""
    if account is not None:
        return account.handle or str(account.client_id)
    return caller.name if caller is not None else _NOBODY


def _role(caller: Caller | None, account: Account | None) -> str | None:
    if caller is not None:
        return caller.role.value
    if account is not None:
        return Role.CLIENT.value if account.client_id is not None else account.roles[0]
    return None
