"""Verifying signed copies: each is what the fact of its completion says it is, which the client's chain signs."""

from collections.abc import AsyncIterator

from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.forms.copies import SignedFact, signed_facts
from models.sealed import NotOfThisRow, UnknownRowKey
from models.tables.forms.signed_copy import KeptCopy
from rules.forms.signed import hash_of

FACTS_AT_A_TIME = 500


async def verify_copies(session: AsyncSession) -> list[str]:
    """A sentence for each that does not hold, of the moment that the session sees."""
    return [
        f"the copy {fact.answer_id} that client {fact.client_id} signed {wrong}"
        async for fact in _facts(session)
        if (wrong := await _wrong(session, fact)) is not None
    ]


async def _facts(session: AsyncSession) -> AsyncIterator[SignedFact]:
    after = None
    while True:
        page = await signed_facts(session, after=after, limit=FACTS_AT_A_TIME)
        for fact in page:
            yield fact
        if len(page) < FACTS_AT_A_TIME:
            return
        session.expunge_all()
        after = (page[-1].client_id, page[-1].seq)


async def _wrong(session: AsyncSession, fact: SignedFact) -> str | None:
    try:
        kept = await session.get(KeptCopy, fact.answer_id)
    except (NotOfThisRow, UnknownRowKey):
        return "does not open"
    if kept is None:
        return "is gone"
    return None if hash_of(kept.document) == kept.sha256 == fact.sha256 else "is not what was signed"
