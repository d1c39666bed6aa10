"""Asking where a calendar is kept, and what becomes of it when there is no answer to read."""

from collections.abc import Mapping

from activities.gateways.calendars.port import SourceRefused, SourceUnavailable
from activities.gateways.outbound.door import Answer, Door
from activities.gateways.outbound.failures import AddressRefused, NotReached
from rules.enums import CalendarTrouble
from rules.outbound import Trouble

_NOT_FOUND = (400, 404, 405, 406, 410, 501)


async def asked(
    door: Door,
    method: str,
    address: str,
    *,
    headers: Mapping[str, str],
    content: bytes | None = None,
    redirects: int,
    password: bool = False,
) -> Answer:
    """The answer, of whatever status. Raises SourceRefused and SourceUnavailable."""
    try:
        return await door.call(
            method, address, headers=headers, content=content, redirects=redirects, password=password
        )
    except AddressRefused as problem:
        raise SourceRefused(str(problem), trouble=CalendarTrouble.ADDRESS_REFUSED) from problem
    except NotReached as problem:
        if problem.reason is Trouble.TOO_LARGE:
            raise SourceRefused(str(problem), trouble=CalendarTrouble.TOO_LARGE) from problem
        raise SourceUnavailable(str(problem)) from problem


def refuse_status(status: int) -> None:
    """What is no answer to read. Raises SourceRefused and SourceUnavailable."""
    if 200 <= status < 300:
        return
    if status in (401, 403):
        raise SourceRefused(f"answered {status}", trouble=CalendarTrouble.NOT_ALLOWED)
    if status in _NOT_FOUND:
        raise SourceRefused(f"answered {status}", trouble=CalendarTrouble.NOT_FOUND)
    raise SourceUnavailable(f"answered {status}")
