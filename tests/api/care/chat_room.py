"""A practice with chats, for the tests of the API: therapists, their clients, and who asks for what."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from models.tables import Client, Therapist
from tests.api.conftest import DESK, ROOT, SITE, ToldEngine
from tests.care.defaults import Json
from tests.care.rows import Rows
from workflows.messages import MESSAGE_WAITS


@dataclass
class ChatRoom:
    """``by`` whom something is asked: ``site``, ``desk``, ``root``, a therapist's slug, or a client's first name. The
    site asks for the client ``for_whom`` it says it does."""

    api: httpx.AsyncClient
    rows: Rows
    engine: ToldEngine
    token: Callable[[str], Any]
    headers: dict[str, dict[str, str]] = field(default_factory=lambda: {"site": SITE, "desk": DESK, "root": ROOT})

    def __post_init__(self) -> None:
        self.engine.answers_to[MESSAGE_WAITS] = None

    async def therapist(self, slug: str) -> Therapist:
        row = await self.rows.therapist(slug, name=f"{slug.title()} Silva")
        self.headers[slug] = await self.token(slug)
        return row

    async def client(self, therapist: Therapist | None, name: str, **more: Any) -> Client:
        row = await self.rows.client(
            therapist, **{"first_name": name.title(), "last_name": "Lind", "email": f"{name}@example.com"} | more
        )
        self.headers[name] = await self.rows.signed_in(row)
        return row

    async def change(self, client: Client, **columns: Any) -> None:
        """What a journey would have written."""
        async with self.rows.sessions() as session:
            row = await session.get_one(Client, client.id)
            for name, value in columns.items():
                setattr(row, name, value)
            session.add(row)
            await session.commit()

    async def ask(
        self,
        by: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        for_whom: Client | None = None,
        **params: Any,
    ) -> httpx.Response:
        if for_whom is not None:
            self.headers[by] = await self.rows.beside_site(for_whom)
        headers = {**self.headers[by], **({"Idempotency-Key": key} if key else {})}
        return await self.api.request(method, f"/v1{path}", json=body, headers=headers, params=params)

    async def get(self, by: str, path: str, **params: Any) -> Json:
        answer = await self.ask(by, "GET", path, **params)
        assert answer.status_code == 200, answer.text
        document: Json = answer.json()
        return document

    async def starts(self, by: str, kind: str, *members: Client, expect: int = 201, **more: Any) -> Json:
        answer = await self.ask(by, "POST", "/chats", {"kind": kind, "members": [str(m.id) for m in members], **more})
        assert answer.status_code == expect, answer.text
        chat: Json = answer.json()
        return chat

    async def writes(self, by: str, chat: Json, text: str = "Hello", **more: Any) -> Json:
        answer = await self.ask(by, "POST", f"/chats/{chat['id']}/messages", {"text": text}, **more)
        assert answer.status_code == 201, answer.text
        message: Json = answer.json()
        return message

    async def texts(self, by: str, chat: Json, **params: Any) -> list[str]:
        page = await self.get(by, f"/chats/{chat['id']}/messages", **params)
        return [message["text"] for message in page["items"]]

    async def chats_of(self, by: str, **params: Any) -> list[str]:
        return [chat["id"] for chat in (await self.get(by, "/chats", **params))["items"]]

    def told(self) -> list[UUID]:
        """Whose journeys were told of a message, since the last look."""
        asked = [UUID(a.workflow_id.partition(":")[2]) for a in self.engine.asked if a.name == MESSAGE_WAITS]
        self.engine.asked.clear()
        return asked
