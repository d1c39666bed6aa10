"""Announcing new versions of forms when the API starts: those that came with a release, and those that were published
while the engine was away. Nobody is asked twice, so every API process may do it, at every start."""

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.commands import tell_of_new_version
from api.deps import Services
from api.problems import EngineUnavailable
from models.reads.forms.texts import newest_texts

log = structlog.get_logger(__name__)

_TRY_AGAIN = 30.0


async def announce_versions(services: Services, *, try_again: float = _TRY_AGAIN) -> None:
    """Let the journeys ask for every form of which an older version was asked for, and no newer one yet.

    The database or the engine may not be there yet: it is tried every ``try_again`` seconds until they are.
    """
    while True:
        try:
            async with services.sessions() as session:
                newest = await newest_texts(session)
            for template in newest:
                await tell_of_new_version(services, template)
        except (EngineUnavailable, SQLAlchemyError, OSError) as error:
            log.warning("new versions of forms are announced later", because=type(error).__name__)
            await asyncio.sleep(try_again)
        else:
            return
