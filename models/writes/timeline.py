"""Writing the timeline. The client's row must be locked: it keeps the head of the chain."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.writes.feed import add_news
from rules.timeline import FactKind, Link, hash_of


def tell(
    session: AsyncSession,
    client: Client,
    kind: FactKind,
    *,
    at: datetime,
    by: str,
    text: str,
    data: Mapping[str, Any] | None = None,
) -> Fact:
    """Add one fact to the chain, and what it says to the therapist's feed, in the running transaction.

    ``data`` must be JSON; nothing clinical belongs in it.
    """
    plain: dict[str, Any] = json.loads(json.dumps(dict(data or {})))
    link = Link(
        client_id=str(client.id),
        seq=client.fact_seq + 1,
        at=at,
        actor=by,
        kind=kind.value,
        text=text,
        data=plain,
        previous_hash=client.fact_hash,
    )
    fact = Fact(
        client_id=client.id,
        seq=link.seq,
        at=at,
        actor=by,
        kind=kind.value,
        text=text,
        data=plain,
        previous_hash=link.previous_hash,
        hash=hash_of(link),
    )
    session.add(fact)
    client.fact_seq, client.fact_hash = fact.seq, fact.hash
    session.add(client)
    add_news(session, client, fact)
    return fact
