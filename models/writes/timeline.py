"""Writing the timeline. The client's row must be locked: it keeps the head of the chain."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import chain_keys
from models.tables.clients.client import Client
from models.tables.clients.fact import Fact
from models.tables.clients.remark import Remark
from models.writes.events.publish import publish
from models.writes.feed import add_news
from rules.chain import next_entry
from rules.events.from_facts import events_of
from rules.timeline import FactKind, chain_of, clear_of, content_of


def tell(
    session: AsyncSession,
    client: Client,
    kind: FactKind,
    *,
    at: datetime,
    by: str,
    text: str,
    data: Mapping[str, Any] | None = None,
    words: str | None = None,
) -> Fact:
    """Add one fact to the chain, what it says to the therapist's feed, and its events, in the running transaction.

    ``text`` is a sentence of the product's own, and ``data`` must be JSON: ids, states, times and amounts. What the
    person said about it - a reason, a note - are its ``words``, which stand sealed beside it.
    """
    plain: dict[str, Any] = json.loads(json.dumps(dict(data or {})))
    entry = next_entry(
        chain_keys(session),
        client.head,
        chain=chain_of(client.id),
        clear=clear_of(at=at, actor=by, kind=kind.value),
        content=content_of(text=text, data=plain, words=words or None),
    )
    fact = Fact(
        client_id=client.id,
        seq=entry.seq,
        at=at,
        actor=by,
        kind=kind.value,
        text=text,
        data=plain,
        digest=entry.digest,
        key_id=entry.key_id,
        previous_key_id=entry.previous_key_id,
        previous_hash=entry.previous_hash,
        hash=entry.hash,
    )
    session.add(fact)
    if words:
        session.add(Remark(hash=fact.hash, client_id=client.id, words=words))
    client.fact_seq, client.fact_hash, client.fact_key_id = fact.seq, fact.hash, fact.key_id
    session.add(client)
    add_news(session, client, fact)
    for event in events_of(kind, plain):
        publish(session, event.kind, at=at, client=client, data=event.data, for_site=event.for_site)
    return fact
