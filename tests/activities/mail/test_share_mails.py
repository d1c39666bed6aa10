"""The mail that a document waits: to whom it still goes at the moment of sending."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.tables.care.document import Document, DocumentShare
from models.tables.clients.client import Client
from rules.enums import ClientStatus
from rules.mail.orders import MailOrder
from tests.activities.mail.sending import send
from tests.care.practice import Practice


async def shared(practice: Practice, client: str) -> MailOrder:
    """A document is shared with this client, who is to be told of it."""
    document, share, at = uuid4(), uuid4(), practice.clock.instant
    async with practice.sessions() as session:
        session.add(
            Document(
                id=document,
                title="Sleep diary",
                filename="diary.pdf",
                content_type="application/pdf",
                size=1,
                sha256="0" * 64,
                uploaded_by="care_team:desk",
                uploaded_at=at,
            )
        )
        await session.flush()
        session.add(
            DocumentShare(
                id=share, document_id=document, client_id=UUID(client), shared_by="care_team:desk", shared_at=at
            )
        )
        await session.commit()
    return MailOrder(
        key=f"document_shared:{client}:{share}", template="document_shared", client_id=client, share_id=str(share)
    )


async def test_it_goes_out_once_and_tells_nothing_of_the_document(practice: Practice) -> None:
    order = await shared(practice, await practice.client())
    assert [await send(practice, order) for _ in range(2)] == ["sent", "sent"]
    [mail] = practice.post.sent
    assert mail.to == "sara@example.com"
    assert "http://portal.example/documents" in mail.text
    for part in (mail.subject, mail.text, mail.html):
        assert "Sleep diary" not in part
        assert "diary.pdf" not in part


@pytest.mark.parametrize(
    "change",
    [
        {"status": ClientStatus.ARCHIVED},
        {"unsubscribed": True},
        {"portal_settings": {"documents": False}},
        {"email": None},
    ],
)
async def test_it_is_kept_from_who_should_not_get_it(practice: Practice, change: dict[str, Any]) -> None:
    order = await shared(practice, await practice.client())
    async with practice.sessions() as session:
        client = await session.get_one(Client, UUID(order.client_id))
        for name, value in change.items():
            setattr(client, name, value)
        session.add(client)
        await session.commit()
    assert await send(practice, order) == "not_wanted"
    assert practice.post.sent == []


async def test_it_is_dropped_when_the_document_was_taken_back_or_is_not_theirs(practice: Practice) -> None:
    order = await shared(practice, await practice.client())
    tom = await practice.client(name="Tom")
    for wrong in (
        replace(order, key="1", client_id=tom),
        replace(order, key="2", share_id=str(uuid4())),
        replace(order, key="3", share_id=None),
    ):
        assert await send(practice, wrong) == "not_wanted"
    async with practice.sessions() as session:
        share = await session.get_one(DocumentShare, UUID(order.share_id or ""))
        share.unshared_at, share.unshared_by = practice.clock.instant, "care_team:desk"
        session.add(share)
        await session.commit()
    assert await send(practice, order) == "not_wanted"
    assert practice.post.sent == []
