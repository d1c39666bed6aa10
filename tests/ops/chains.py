"""Chains of clients with an anchor a day, for whoever verifies them."""

from uuid import UUID

from models.database import Sessions
from models.reads.keeping.anchors import entry_of_anchor
from models.tables import Client
from models.writes.keeping.anchors import make_anchor
from models.writes.locks import lock_client
from models.writes.timeline import tell
from ops.verify import Found, verify_all
from rules.anchors import AnchorLine, line_of, read_lines
from rules.timeline import FactKind
from tests.care.defaults import CHAIN_KEYS
from tests.care.rows import DAY, NOW, Rows

AT = (
    "UPDATE client SET fact_seq = f.seq, fact_hash = f.hash FROM fact f WHERE f.client_id = id AND id = :id AND f.seq ="
)
HEAD = f"{AT} 2"
"""How the head of a client's row is put at an earlier entry."""


class Practice:
    """Clients with facts, an anchor a day, and what was kept of each outside."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.rows = Rows(sessions)
        self.now = NOW
        self.kept = ""

    async def client(self, facts: int) -> Client:
        client = await self.rows.client(created_at=self.now)
        await self.happens(client.id, facts)
        return client

    async def happens(self, client_id: UUID, facts: int) -> None:
        async with self.sessions() as session:
            client = await lock_client(session, client_id)
            for _ in range(facts):
                tell(
                    session,
                    client,
                    FactKind.DETAILS_CHANGED,
                    at=self.now,
                    by="care_team:desk",
                    text="As it was",
                    data={},
                    words=f"because {client.fact_seq}",
                )
            await session.commit()

    async def day_ends(self) -> None:
        async with self.sessions() as session:
            anchor = await make_anchor(session, at=self.now)
            assert anchor is not None
            self.kept += line_of(CHAIN_KEYS, entry_of_anchor(anchor)) + "\n"
            await session.commit()
        self.now += DAY

    @property
    def lines(self) -> list[AnchorLine]:
        return read_lines(self.kept)

    async def verified(self, *restored: UUID, outside: bool = True) -> Found:
        return await verify_all(self.sessions, self.lines if outside else (), restored=restored)

    async def faults(self, *restored: UUID, outside: bool = True) -> list[str]:
        return (await self.verified(*restored, outside=outside)).faults


def lost(line: str, *, since: str) -> str:
    return (
        f"{line} is in the file and not in the database: what came later is lost since {since}; if this was a restore,"
        " say --restored EPOCH"
    )
