"""What the API does about texts when it starts: it announces versions that were published while the engine was away,
and proposes the numbers of its settings where they are others than the fee policy in force has. It publishes nothing.
Nobody is asked twice and nothing proposed twice, so every API process may do both, at every start."""

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.commands import tell_of_new_version
from api.deps import Services
from api.problems import EngineUnavailable
from models.reads.forms.texts import newest_texts
from models.writes.forms.text_drafts import propose_terms
from rules.money.terms import Terms

log = structlog.get_logger(__name__)

_TRY_AGAIN = 30.0


async def announce_versions(services: Services, *, try_again: float = _TRY_AGAIN) -> None:
    """Propose, and let the journeys ask for every form of which an older version was asked for, and no newer one yet.

    The database or the engine may not be there yet: it is tried every ``try_again`` seconds until they are.
    """
    while True:
        try:
            await propose_numbers(services)
            async with services.sessions() as session:
                newest = await newest_texts(session)
            for template in newest:
                await tell_of_new_version(services, template)
        except (EngineUnavailable, SQLAlchemyError, OSError) as error:
            log.warning("new versions of forms are announced later", because=type(error).__name__)
            await asyncio.sleep(try_again)
        else:
            return


async def propose_numbers(services: Services) -> None:
    """A draft of the fee policy and a task, once, where the settings are others than what is in force; nothing else."""
    async with services.sessions() as session:
        terms = Terms.of(services.settings.policy)
        if await propose_terms(session, terms, at=await services.clock.now()):
            log.warning("the settings are others than the fee policy in force, which goes on to apply")
        await session.commit()
