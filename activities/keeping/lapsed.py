"""What waited for a second person and has lapsed: nobody has to look after it, so its task is closed."""

from datetime import datetime

from activities.base import Dependencies, heartbeat
from activities.money.approval.second_person import close_lapsed
from activities.types.keeping import JourneyHears
from models.reads.journey import project
from models.reads.money.approvals import clients_with_lapsed
from models.writes.locks import lock_client

_MOST = 200  # clients in one round: what is more waits for the next


async def close_lapsed_approvals(deps: Dependencies, *, at: datetime) -> tuple[JourneyHears, ...]:
    """What journeys must hear of it."""
    async with deps.sessions() as session:
        found = await clients_with_lapsed(session, now=at, limit=_MOST)
    news: list[JourneyHears] = []
    for client_id in found:
        heartbeat()
        async with deps.sessions() as session:
            client = await lock_client(session, client_id)
            await close_lapsed(session, client, at=at)
            facts = await project(session, client)
            await session.commit()
        if client.closed_at is None:
            news.append(JourneyHears(client_id=str(client_id), facts=facts))
    return tuple(news)
