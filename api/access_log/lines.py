"""Writing lines of the access log. Whoever records an event of their own calls `record`."""

from collections.abc import Iterable
from datetime import datetime
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


async def record(
    request: Request,
    event: AccessEvent,
    *,
    kind: AccessKind | None = None,
    whose: Iterable[UUID] = (),
    caller: Caller | None = None,
    account: Account | None = None,
    who: str | None = None,
    of_archive: bool = False,
) -> None:
    """Write one line, at once, in a transaction of its own. Raises what the database raises: what cannot be recorded
    does not happen.

    Whoever asks is who looked, unless ``who``, ``caller`` and ``account`` say somebody else.
    """
    services, asker = services_of(request), await asker_of(request)
    access = access_of(
        request,
        asker,
        at=await services.clock.now(),
        event=event,
        kind=kind,
        whose=whose,
        caller=caller,
        account=account,
        who=who,
        of_archive=of_archive,
    )
    await write(services, [access])


async def record_failed_sign_in(request: Request, where: str) -> None:
    """The address, with its side, as a digest, which nobody can try out."""
    async with services_of(request).sessions() as session:
        who = digests_of_address(chain_keys(session), where)[0]
    await record(request, AccessEvent.FAILED_SIGN_IN, who=who)


def access_of(
    request: Request,
    asker: Asker | None,
    *,
    at: datetime,
    event: AccessEvent,
    kind: AccessKind | None = None,
    whose: Iterable[UUID] = (),
    caller: Caller | None = None,
    account: Account | None = None,
    who: str | None = None,
    about: str | None = None,
    of_archive: bool = False,
) -> Access:
    """A line about this request. ``caller`` is the role in which whoever asks does."""
    visitor = visitor_of(request, asker, services_of(request).cipher)
    if account is None and asker is not None:
        account, caller = asker.account, caller or asker.callers[0]
    return Access(
        at=at,
        event=event,
        who=who or _name(caller, account),
        role=_role(caller, account),
        account_id=str(account.id) if account is not None else None,
        about=about,
        token_by=asker.token_by if asker is not None else None,
        kind=kind,
        whose=tuple(sorted(str(id) for id in whose)),
        visitor=visitor.mark,
        network=visitor.network,
        request_id=request_id_of(request.scope),
        of_archive=of_archive,
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
