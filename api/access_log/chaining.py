"""Covering the lines of the access log by signed blocks, soon after they were written, and beside all requests.

Every server does so; one at a time gets through. What is left when the last one ends, the next one covers.
"""

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.deps import Services
from engine.clock import ClockUnavailable
from models.writes.accounts.access_chain import LINES_OF_A_BLOCK, chain_accesses

log = structlog.get_logger(__name__)

EVERY = 20.0  # seconds: a line waits no longer than a minute, also where one look fails


async def keep_chaining(services: Services, *, every: float = EVERY) -> None:
    """Until it is cancelled. The database may be away: then the next look finds what is there. Nothing else ends it
    either: nobody would see that lines are chained no more."""
    while True:
        try:
            while await chain_once(services) == LINES_OF_A_BLOCK:
                pass  # there are more
        except (SQLAlchemyError, OSError, ClockUnavailable) as error:
            log.warning("the access log is chained later", because=type(error).__name__)
        except Exception:
            log.exception("the access log cannot be chained")
        await asyncio.sleep(every)


async def chain_once(services: Services) -> int:
    """How many lines were covered."""
    now = await services.clock.now()
    async with services.sessions() as session:
        covered = await chain_accesses(session, at=now)
        await session.commit()
    return covered
